package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.device.DeviceRuntimes;
import io.github.dl4jpipeline.internal.device.DeviceThread;
import io.github.dl4jpipeline.internal.device.WholeProcess;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.profile.ProfileRounds.Placed;
import io.github.dl4jpipeline.internal.profile.ProfileTimes.AllDevices;
import io.github.dl4jpipeline.internal.profile.ProfileTimes.OneDevice;
import io.github.dl4jpipeline.internal.profile.WarmCopy.Passes;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.tiling.TileableVertices;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.ProfilingProgress;
import io.github.dl4jpipeline.profile.VertexCost;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures every vertex of a graph, forward and backward, on a device, and how devices get on with each other.
 *
 * <p>The graph's parameters, updater state and counts stay as they are: gradients go to an array of their own. What is
 * measured is the code that training runs, on a thread that is bound to the device. Devices with memory of their own do not
 * see the graph's arrays; there, a thread that is bound to none stands for the first of them.
 */
public final class Profiling {
    private static final Logger log = LoggerFactory.getLogger(Profiling.class);

    private static final int ADDITIONS = 7;

    /** A larger batch is not profiled whole. */
    public static final int MOST_EXAMPLES = 32;

    /** Part of a time that does not grow with the number of examples. */
    private static final double MOST_FIXED = 0.9;

    private static final double BYTES_PER_MEGABYTE = 1e6;

    private static final long MOST_ADDED = 4_000_000;

    private Profiling() {}

    /**
     * Costs are measured with all examples and with one of so many parts, to tell what grows with their number. The part is
     * as large as the usual smallest micro-batch, since times of fewer examples do not follow from those of more: an eighth
     * of a small batch, and a quarter of more examples, which are mostly half of a batch or less.
     */
    private static int parts(long examples) {
        return 2 * examples > MOST_EXAMPLES ? 4 : 8;
    }

    /**
     * Profiles with the examples of a batch or micro-batch and the layer code that training will use.
     *
     * @param splittable whether the graph can run with fewer examples, too
     * @param effort how thoroughly
     * @param progress is told after each measurement, in the calling thread
     */
    public static GraphProfile profile(
            ComputationGraph graph,
            MicroBatch sample,
            Devices all,
            Kernels kernels,
            boolean splittable,
            Effort effort,
            Consumer<ProfilingProgress> progress) {
        long start = System.nanoTime();
        WholeProcess.prepare();
        graph.init();
        Device device = all.get(0);
        Devices devices = DeviceRuntimes.usesHostArrays(device) ? all : Devices.of(device);
        int size = VertexGraph.of(graph).size();
        log.info("Profiling {} vertices with {} examples", size, sample.examples());
        ProfileRounds.Progress each = (done, expected) -> progress.accept(new ProfilingProgress(
                done, expected, Duration.ofNanos(System.nanoTime() - start), (int) sample.examples(), size));
        KernelChoice usual = KernelChoice.all(kernels);
        WorkingCode.Done<ProfileTimes> measured = new WorkingCode(graph, usual)
                .run(usual, choice -> times(graph, sample, devices, choice, splittable, effort, each));
        ProfileTimes times = measured.result();
        VertexGraph vertices = VertexGraph.of(graph);
        long parameters = graph.params().length();
        double adding = devices.size() == 1 ? 0 : onThreadOf(device, () -> addMillisPerMegabyte(parameters));
        List<VertexCost> costs = vertices.vertices().stream()
                .map(vertex -> times.cost(vertex, vertices, graph, adding / BYTES_PER_MEGABYTE))
                .toList();
        MachineSpeed machine = devices.size() == 1 ? MachineSpeed.UNKNOWN : machine(devices, times, costs, adding);
        return new GraphProfile(
                (int) times.sample().examples(),
                device.id(),
                times.one().whole().runs(),
                machine,
                measured.choice().other(),
                costs,
                TileableVertices.of(graph, times.sample()));
    }

    private static ProfileTimes times(
            ComputationGraph graph,
            MicroBatch sample,
            Devices devices,
            KernelChoice choice,
            boolean splittable,
            Effort effort,
            ProfileRounds.Progress progress) {
        MicroBatch part = splittable ? sample.split(parts(sample.examples())).get(0) : sample;
        MicroBatch ofDevice = splittable ? sample.split(devices.size()).get(0) : sample;
        Device first = devices.get(0);
        Device all = JointDevice.of(devices);
        try (ProfileRounds rounds = new ProfileRounds(graph, effort, progress)) {
            CopySlot slot = rounds.slot();
            if (effort.brief()) {
                return briefTimes(rounds, new Samples(sample, part), devices, choice, slot);
            }
            WarmCopy whole = rounds.copy(sample, choice, slot);
            WarmCopy fewer = rounds.copy(part, choice, slot);
            List<Placed> together = new ArrayList<>();
            for (Device device : devices.list()) {
                CopySlot own = together.isEmpty() ? slot : rounds.slot();
                together.add(new Placed(rounds.copy(ofDevice, choice, own), device));
            }
            VertexTimer wholeTimes = rounds.way(whole, first);
            VertexTimer fewerTimes = rounds.way(fewer, first);
            VertexTimer splitTimes = rounds.way(whole, first, Passes.SPLIT);
            VertexTimer none = new VertexTimer(rounds.vertices());
            VertexTimer twice = splittable ? rounds.way(fewer, first, Passes.TWICE) : none;
            boolean several = devices.size() > 1;
            VertexTimer alone = several ? rounds.way(together.get(0).copy(), first) : none;
            List<VertexTimer> shared = several ? rounds.way(together) : List.of(none);
            // Copies of their own: the engine's primitives are made for the threads that first run them.
            VertexTimer joint = several ? rounds.way(rounds.copy(sample, choice, slot), all) : none;
            VertexTimer jointFewer = several ? rounds.way(rounds.copy(part, choice, slot), all) : none;
            rounds.run();
            return new ProfileTimes(
                    new OneDevice(wholeTimes, fewerTimes, splitTimes, twice),
                    new AllDevices(
                            alone,
                            Collections.max(shared, Comparator.comparingDouble(VertexTimer::shortestRunMillis)),
                            joint,
                            jointFewer),
                    sample,
                    (double) part.examples() / sample.examples());
        }
    }

    private record Samples(MicroBatch all, MicroBatch part) {
        /** Twice the part, or all where that is less. */
        Samples fewer() {
            long parts = all.examples() / (2 * part.examples());
            return new Samples(parts > 1 ? all.split((int) parts).get(0) : all, part);
        }
    }

    /**
     * Four ways instead of eight. What they tell is the same, or follows from them nearly, but for what comes once for several
     * micro-batches. The first pass, with few examples, tells whether the graph is a large one, whose profile is of fewer examples.
     */
    private static ProfileTimes briefTimes(
            ProfileRounds rounds, Samples given, Devices devices, KernelChoice choice, CopySlot slot) {
        Device first = devices.get(0);
        WarmCopy fewer = rounds.copy(given.part(), choice, slot);
        VertexTimer fewerTimes = rounds.way(fewer, first);
        Samples samples = rounds.beginWarmUp() ? given : given.fewer();
        List<Placed> together = new ArrayList<>(List.of(new Placed(fewer, first)));
        for (Device other : devices.list().subList(1, devices.size())) {
            together.add(new Placed(rounds.copy(samples.part(), choice, rounds.slot()), other));
        }
        VertexTimer split = rounds.way(rounds.copy(samples.all(), choice, slot), first, Passes.SPLIT);
        VertexTimer none = new VertexTimer(rounds.vertices());
        boolean several = devices.size() > 1;
        List<VertexTimer> shared = several ? rounds.way(together) : List.of(none);
        VertexTimer joint =
                several ? rounds.way(rounds.copy(samples.all(), choice, slot), JointDevice.of(devices)) : none;
        rounds.run();
        return new ProfileTimes(
                new OneDevice(split.undivided(), fewerTimes, split, none),
                new AllDevices(
                        several ? fewerTimes : none,
                        Collections.max(shared, Comparator.comparingDouble(VertexTimer::shortestRunMillis)),
                        joint,
                        none),
                samples.all(),
                (double) samples.part().examples() / samples.all().examples());
    }

    private static MachineSpeed machine(
            Devices devices, ProfileTimes times, List<VertexCost> costs, double addMillisPerMegabyte) {
        double jointMillis = usualMillis(times.all().joint(), times.one().whole());
        double growing = costs.stream()
                .mapToDouble(cost -> cost.millis() - cost.fixedMillis())
                .sum();
        double jointFixed = growing == 0
                ? jointMillis
                : Math.min(jointFixedMillis(times, costs, jointMillis), MOST_FIXED * jointMillis);
        return new MachineSpeed(
                JointDevice.of(devices).threads(),
                jointFixed,
                growing == 0 ? 1 : growing / (jointMillis - jointFixed),
                Math.min(
                        1,
                        times.all().alone().shortestRunMillis()
                                / times.all().shared().shortestRunMillis()),
                addMillisPerMegabyte);
    }

    /** Where few examples were not measured on all cores, what does not grow is taken to last as long as on one. */
    private static double jointFixedMillis(ProfileTimes times, List<VertexCost> costs, double jointMillis) {
        VertexTimer fewer = times.all().jointFewer();
        return fewer.runs() == 0
                ? costs.stream().mapToDouble(VertexCost::fixedMillis).sum()
                : VertexTimer.fixed(usualMillis(fewer, times.one().fewer()), jointMillis, times.share());
    }

    /** Shortest times, as many times longer as it is usual on one device. */
    private static double usualMillis(VertexTimer onAll, VertexTimer onOne) {
        return onAll.shortestRunMillis() * onOne.millis() / onOne.shortestRunMillis();
    }

    private static <T> T onThreadOf(Device device, Callable<T> work) {
        try (DeviceThread thread = DeviceThread.withHostArrays(device, "profile-" + device.id());
                WholeProcess.Limit ignored = WholeProcess.limitThreads(device.threads())) {
            return ProfileRounds.result(thread.submit(work));
        }
    }

    private static double addMillisPerMegabyte(long parameters) {
        INDArray sum = Nd4j.create(DataType.FLOAT, Math.max(MOST_ADDED / 64, Math.min(parameters, MOST_ADDED)));
        INDArray other = sum.like();
        double best = Double.POSITIVE_INFINITY;
        for (int run = 0; run < ADDITIONS; run++) {
            long start = System.nanoTime();
            sum.addi(other);
            best = Math.min(best, (System.nanoTime() - start) / 1e6);
        }
        double megabytes = sum.length() * DataType.FLOAT.width() / BYTES_PER_MEGABYTE;
        sum.close();
        other.close();
        return best / megabytes;
    }
}
