package io.github.dl4jpipeline.profile;

import io.github.dl4jpipeline.device.CpuRuntime;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntimes;
import io.github.dl4jpipeline.device.DeviceThread;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.device.ReachableArguments;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.ExampleCoupling;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.kernel.KernelChoice;
import io.github.dl4jpipeline.kernel.Kernels;
import io.github.dl4jpipeline.kernel.MicroBatch;
import io.github.dl4jpipeline.kernel.TileableVertices;
import io.github.dl4jpipeline.profile.ProfileRounds.Placed;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.util.ComputationGraphUtil;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
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
public final class GraphProfiler {
    private static final Logger log = LoggerFactory.getLogger(GraphProfiler.class);

    private static final int ADDITIONS = 7;

    /** A larger batch is not profiled whole. */
    private static final int MOST_EXAMPLES = 32;

    /** Part of a time that does not grow with the number of examples. */
    private static final double MOST_FIXED = 0.9;

    private static final long MOST_ADDED = 4_000_000;

    private GraphProfiler() {}

    /** With how many of the examples of a batch it is usual to profile: all, or of a large batch a part. */
    public static int usualExamples(int batch) {
        int parts = (batch + MOST_EXAMPLES - 1) / MOST_EXAMPLES;
        return batch / parts;
    }

    /**
     * Costs are measured with all examples and with one of so many parts, to tell what grows with their number. The part is
     * as large as the usual smallest micro-batch, since times of fewer examples do not follow from those of more: an eighth
     * of a small batch, and a quarter of more examples, which are mostly half of a batch or less.
     */
    private static int parts(long examples) {
        return 2 * examples > MOST_EXAMPLES ? 4 : 8;
    }

    /** Profiles on one core of this machine, and on all of them, with the examples of {@code sample}. */
    public static GraphProfile profile(ComputationGraph graph, DataSet sample) {
        return profile(graph, ComputationGraphUtil.toMultiDataSet(sample));
    }

    /** Profiles on one core of this machine, and on all of them, with the examples of {@code sample}. */
    public static GraphProfile profile(ComputationGraph graph, MultiDataSet sample) {
        return profile(graph, sample, Devices.cpu());
    }

    /**
     * Profiles on the first of some devices, and in short on all of them, with the examples of {@code sample}.
     *
     * @throws IllegalArgumentException if the sample does not fit the graph
     */
    public static GraphProfile profile(ComputationGraph graph, MultiDataSet sample, Devices devices) {
        graph.init();
        return profile(
                graph,
                MicroBatch.whole(
                        sample.getFeatures(),
                        sample.getLabels(),
                        sample.getFeaturesMaskArrays(),
                        sample.getLabelsMaskArrays()),
                devices,
                Kernels.FAST,
                ExampleCoupling.in(graph, BatchNormStatistics.PER_MICRO_BATCH, Set.of())
                        .isEmpty());
    }

    /**
     * Profiles with the examples of a batch or micro-batch and the layer code that training will use.
     *
     * @param splittable whether the graph can run with fewer examples, too
     */
    public static GraphProfile profile(
            ComputationGraph graph, MicroBatch sample, Devices all, Kernels kernels, boolean splittable) {
        ReachableArguments.install(); // also for what this thread does
        graph.init();
        Device device = all.get(0);
        Devices devices = DeviceRuntimes.of(device).sharesMemory() ? all : Devices.of(device);
        log.info("Profiling {} vertices with {} examples", VertexGraph.of(graph).size(), sample.examples());
        KernelChoice fastest = kernels == Kernels.STOCK
                ? KernelChoice.all(kernels)
                : FasterCode.of(graph, sample, device.firstCore(), kernels);
        // Code may fail with fewer examples only.
        WorkingCode.Done<Times> measured = new WorkingCode(graph, fastest)
                .run(fastest, choice -> times(graph, sample, devices, choice, splittable));
        Times times = measured.result();
        VertexGraph vertices = VertexGraph.of(graph);
        List<VertexCost> costs = vertices.vertices().stream()
                .map(vertex -> times.whole()
                        .cost(
                                vertex,
                                vertices,
                                graph,
                                times.fewer(),
                                times.share(),
                                times.split(),
                                times.alone(),
                                times.shared(),
                                times.joint()))
                .toList();
        MachineSpeed machine = devices.size() == 1 ? MachineSpeed.UNKNOWN : machine(graph, devices, times, costs);
        return new GraphProfile(
                (int) sample.examples(),
                device.id(),
                times.whole().runs(),
                machine,
                measured.choice().other(),
                costs,
                TileableVertices.of(graph, sample));
    }

    /**
     * Times of a graph.
     *
     * @param whole of all examples on the first device
     * @param fewer of a part of the examples on the first device
     * @param share that part, from 0 to 1
     * @param split of all examples on the first device, with split backward passes
     * @param alone of a device's share of the examples on the first device
     * @param shared the same while the others do the same, on the slowest
     * @param joint of all examples on all cores as one device
     * @param jointFewer of a part of the examples on all cores as one device
     */
    private record Times(
            VertexTimer whole,
            VertexTimer fewer,
            double share,
            VertexTimer split,
            VertexTimer alone,
            VertexTimer shared,
            VertexTimer joint,
            VertexTimer jointFewer) {}

    private static Times times(
            ComputationGraph graph, MicroBatch sample, Devices devices, KernelChoice choice, boolean splittable) {
        MicroBatch part = splittable ? sample.split(parts(sample.examples())).get(0) : sample;
        MicroBatch ofDevice = splittable ? sample.split(devices.size()).get(0) : sample;
        Device first = devices.get(0);
        Device all = JointDevice.of(devices);
        try (ProfileRounds rounds = new ProfileRounds(graph)) {
            ReplicaSlot slot = rounds.slot();
            WarmReplica whole = rounds.replica(sample, choice, slot);
            WarmReplica fewer = rounds.replica(part, choice, slot);
            List<Placed> together = new ArrayList<>();
            for (Device device : devices.list()) {
                ReplicaSlot own = together.isEmpty() ? slot : rounds.slot();
                together.add(new Placed(rounds.replica(ofDevice, choice, own), device));
            }
            VertexTimer wholeTimes = rounds.way(whole, first);
            VertexTimer fewerTimes = rounds.way(fewer, first);
            VertexTimer splitTimes = rounds.splitWay(whole, first);
            VertexTimer none = new VertexTimer(VertexGraph.of(graph).size());
            boolean several = devices.size() > 1;
            VertexTimer alone = several ? rounds.way(together.get(0).replica(), first) : none;
            List<VertexTimer> shared = several ? rounds.way(together) : List.of(none);
            VertexTimer joint = several ? rounds.way(whole, all) : none;
            VertexTimer jointFewer = several ? rounds.way(fewer, all) : none;
            rounds.run();
            return new Times(
                    wholeTimes,
                    fewerTimes,
                    (double) part.examples() / sample.examples(),
                    splitTimes,
                    alone,
                    Collections.max(shared, Comparator.comparingDouble(VertexTimer::shortestRunMillis)),
                    joint,
                    jointFewer);
        }
    }

    private static MachineSpeed machine(ComputationGraph graph, Devices devices, Times times, List<VertexCost> costs) {
        double jointMillis = usualMillis(times.joint(), times.whole());
        double growing = costs.stream()
                .mapToDouble(cost -> cost.millis() - cost.fixedMillis())
                .sum();
        double jointFixed = growing == 0
                ? jointMillis
                : Math.min(
                        VertexTimer.fixed(usualMillis(times.jointFewer(), times.fewer()), jointMillis, times.share()),
                        MOST_FIXED * jointMillis);
        return new MachineSpeed(
                JointDevice.of(devices).threads(),
                jointFixed,
                growing == 0 ? 1 : growing / (jointMillis - jointFixed),
                Math.min(1, times.alone().shortestRunMillis() / times.shared().shortestRunMillis()),
                onThreadOf(devices.get(0), () -> addMillisPerMegabyte(graph.numParams())));
    }

    /** Shortest times, as many times longer as it is usual on one device. */
    private static double usualMillis(VertexTimer onAll, VertexTimer onOne) {
        return onAll.shortestRunMillis() * onOne.millis() / onOne.shortestRunMillis();
    }

    private static <T> T onThreadOf(Device device, Callable<T> work) {
        ExecutorService thread = DeviceThread.withHostArrays(device, "profile-" + device.id());
        try (CpuRuntime.Limit ignored = CpuRuntime.limitThreads(device.threads())) {
            return ProfileRounds.result(thread.submit(work));
        } finally {
            thread.shutdown();
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
        double megabytes = sum.length() * DataType.FLOAT.width() / 1e6;
        sum.close();
        other.close();
        return best / megabytes;
    }
}
