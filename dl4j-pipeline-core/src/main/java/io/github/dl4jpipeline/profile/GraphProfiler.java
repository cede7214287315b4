package io.github.dl4jpipeline.profile;

import io.github.dl4jpipeline.device.CpuRuntime;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.DeviceRuntimes;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.kernel.GraphReplica;
import io.github.dl4jpipeline.kernel.KernelChoice;
import io.github.dl4jpipeline.kernel.Kernels;
import io.github.dl4jpipeline.kernel.MicroBatch;
import io.github.dl4jpipeline.kernel.StageKernel;
import io.github.dl4jpipeline.kernel.StageScratch;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.util.ComputationGraphUtil;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Measures every vertex of a graph, forward and backward, on a device, and how devices get on with each other.
 *
 * <p>The graph's parameters, updater state and counts stay as they are: gradients go to an array of their own. What is
 * measured is the code that training runs, on a thread that is bound to the device. Devices with memory of their own do not
 * see the graph's arrays; there, a thread that is bound to none stands for the first of them.
 */
public final class GraphProfiler {
    /** Everything is measured in turn and then again, so that what disturbs the machine for a while disturbs all alike. */
    private static final int ROUNDS = 2;

    private static final int MOST_ROUNDS = 4;
    private static final long ROUNDS_NANOS = 5_000_000_000L;

    /** So many runs warm up, and so many are measured, of small graphs more. */
    private static final int WARM_UP = 2;

    private static final int REPETITIONS = 2;
    private static final int MOST_RUNS = 8;
    private static final long RUNS_NANOS = 200_000_000;

    private static final int ADDITIONS = 7;

    /** A larger batch is not profiled whole. */
    private static final int MOST_EXAMPLES = 32;

    /** Times differ by some percent from run to run. */
    private static final double CLEARLY = 0.85;

    /** Costs are measured with all examples and with one of so many parts, to tell what grows with their number. */
    private static final int PARTS = 4;

    /** Part of a time that does not grow with the number of examples. */
    private static final double MOST_FIXED = 0.9;

    private static final long MOST_ADDED = 4_000_000;

    private GraphProfiler() {}

    /** With how many of the examples of a batch it is usual to profile: all, or of a large batch a part. */
    public static int usualExamples(int batch) {
        int parts = (batch + MOST_EXAMPLES - 1) / MOST_EXAMPLES;
        return batch / parts;
    }

    /** Profiles on one core of this machine, with the examples of {@code sample}. */
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
        return profile(
                graph,
                MicroBatch.whole(
                        sample.getFeatures(),
                        sample.getLabels(),
                        sample.getFeaturesMaskArrays(),
                        sample.getLabelsMaskArrays()),
                devices,
                Kernels.FAST);
    }

    /** Profiles with the examples of a batch or micro-batch and the layer code that training will use. */
    public static GraphProfile profile(ComputationGraph graph, MicroBatch sample, Devices all, Kernels kernels) {
        graph.init();
        Device device = all.get(0);
        Devices devices = runtime(device).sharesMemory() ? all : Devices.of(device);
        MicroBatch part = sample.split(PARTS).get(0);
        KernelChoice choice =
                kernels == Kernels.FAST ? faster(graph, sample, List.of(device)) : KernelChoice.all(kernels);
        Rounds rounds = rounds(graph, sample, part, devices, choice);
        double share = (double) part.examples() / sample.examples();
        VertexGraph vertices = VertexGraph.of(graph);
        List<VertexCost> costs = vertices.vertices().stream()
                .map(vertex -> rounds.whole()
                        .cost(vertex, vertices, graph, rounds.fewer(), share, rounds.shared(), rounds.joint()))
                .toList();
        MachineSpeed machine =
                devices.size() == 1 ? MachineSpeed.UNKNOWN : machine(graph, devices, rounds, share, costs);
        return new GraphProfile(
                (int) sample.examples(),
                device.id(),
                rounds.whole().runs(),
                machine,
                List.copyOf(choice.other()),
                costs);
    }

    private static Rounds rounds(
            ComputationGraph graph, MicroBatch sample, MicroBatch part, Devices devices, KernelChoice choice) {
        List<Device> one = List.of(devices.get(0));
        List<Device> joint = List.of(JointDevice.of(devices));
        Rounds rounds = new Rounds(VertexGraph.of(graph).size());
        long start = System.nanoTime();
        for (int i = 0; i < ROUNDS || (i < MOST_ROUNDS && System.nanoTime() - start < ROUNDS_NANOS); i++) {
            rounds.whole().add(time(graph, sample, one, choice));
            rounds.fewer().add(time(graph, part, one, choice));
            if (devices.size() > 1) {
                rounds.shared().add(time(graph, sample, devices.list(), choice));
                rounds.joint().add(time(graph, sample, joint, choice));
                rounds.jointFewer().add(time(graph, part, joint, choice));
            }
        }
        return rounds;
    }

    /**
     * Times of a graph.
     *
     * @param whole of all examples on the first device
     * @param fewer of a part of the examples on the first device
     * @param shared of all examples on the first device while the others do the same
     * @param joint of all examples on all cores as one device
     * @param jointFewer of a part of the examples on all cores as one device
     */
    private record Rounds(
            VertexTimer whole, VertexTimer fewer, VertexTimer shared, VertexTimer joint, VertexTimer jointFewer) {
        Rounds(int vertices) {
            this(
                    new VertexTimer(vertices),
                    new VertexTimer(vertices),
                    new VertexTimer(vertices),
                    new VertexTimer(vertices),
                    new VertexTimer(vertices));
        }
    }

    /** The usual fast kernels, except where the other code has been measured to be clearly faster. */
    private static KernelChoice faster(ComputationGraph graph, MicroBatch sample, List<Device> device) {
        KernelChoice all = KernelChoice.all(Kernels.FAST);
        VertexTimer fast = time(graph, sample, device, all);
        Set<String> candidates = new HashSet<>(KernelChoice.fastVertices(graph));
        VertexTimer other = time(graph, sample, device, all.except(candidates));
        candidates.removeAll(KernelChoice.joinableVertices(graph, Kernels.FAST)); // the plan may need their code
        return all.except(VertexGraph.of(graph).vertices().stream()
                .filter(vertex -> candidates.contains(vertex.name()))
                .filter(vertex -> other.millis(vertex.position()) < CLEARLY * fast.millis(vertex.position()))
                .map(Vertex::name)
                .toList());
    }

    private static MachineSpeed machine(
            ComputationGraph graph, Devices devices, Rounds rounds, double share, List<VertexCost> costs) {
        double jointMillis = rounds.joint().millis();
        double growing = costs.stream()
                .mapToDouble(cost -> cost.millis() - cost.fixedMillis())
                .sum();
        double jointFixed = growing == 0
                ? jointMillis
                : Math.min(
                        VertexTimer.fixed(rounds.jointFewer().millis(), jointMillis, share), MOST_FIXED * jointMillis);
        return new MachineSpeed(
                JointDevice.of(devices).threads(),
                jointFixed,
                growing == 0 ? 1 : growing / (jointMillis - jointFixed),
                Math.min(1, rounds.whole().shortestMillis() / rounds.shared().shortestMillis()),
                onThreadOf(devices.get(0), () -> addMillisPerMegabyte(graph.numParams())));
    }

    /** Times the graph on devices that all do the same at once; the times are those of the first. */
    private static VertexTimer time(
            ComputationGraph graph, MicroBatch sample, List<Device> devices, KernelChoice kernels) {
        int threads = devices.stream().mapToInt(Device::threads).max().orElse(1);
        try (CpuRuntime.Limit ignored = CpuRuntime.limitThreads(threads)) {
            List<FutureTask<VertexTimer>> runs = new ArrayList<>();
            for (Device device : devices) {
                runs.add(start(device, () -> measure(graph, sample, kernels)));
            }
            List<VertexTimer> timers = new ArrayList<>();
            for (FutureTask<VertexTimer> run : runs) {
                timers.add(result(run));
            }
            return timers.get(0);
        }
    }

    private static <T> T onThreadOf(Device device, Callable<T> work) {
        try (CpuRuntime.Limit ignored = CpuRuntime.limitThreads(device.threads())) {
            return result(start(device, work));
        }
    }

    private static <T> FutureTask<T> start(Device device, Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(() -> {
            if (runtime(device).sharesMemory()) {
                runtime(device).bindCurrentThread(device);
            }
            return work.call();
        });
        Thread thread = new Thread(task, "profile-" + device.id());
        thread.setDaemon(true);
        thread.start();
        return task;
    }

    private static DeviceRuntime runtime(Device device) {
        return DeviceRuntimes.of(device);
    }

    private static <T> T result(FutureTask<T> task) {
        try {
            return task.get();
        } catch (ExecutionException e) {
            throw new IllegalArgumentException(
                    "Cannot profile the graph with this sample: " + e.getCause().getMessage(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while profiling", e);
        }
    }

    private static VertexTimer measure(ComputationGraph graph, MicroBatch sample, KernelChoice kernels) {
        VertexGraph vertices = VertexGraph.of(graph);
        String name = "profile-" + Thread.currentThread().getId();
        GraphReplica replica = new GraphReplica(graph, new int[vertices.size()], kernels, true, name);
        StageScratch scratch = new StageScratch(name, replica.usesWorkspaces());
        List<Integer> positions =
                vertices.vertices().stream().map(Vertex::position).toList();
        StageKernel kernel = new StageKernel(0, positions, scratch, false);
        VertexTimer timer = new VertexTimer(vertices.size());
        try {
            bindGradients(graph, vertices, replica);
            Runnable run = () -> {
                replica.begin(sample, false, graph.getIterationCount(), graph.getEpochCount());
                kernel.forward(replica, timer);
                kernel.backward(replica, 0, timer);
                replica.end();
            };
            repeat(run, WARM_UP);
            timer.forget();
            repeat(run, REPETITIONS);
        } finally {
            replica.reset();
            scratch.destroy();
        }
        return timer;
    }

    /** Repeats something at least so often, and more often while it takes little time. */
    private static void repeat(Runnable run, int least) {
        long start = System.nanoTime();
        for (int i = 0; i < least || (i < MOST_RUNS && System.nanoTime() - start < RUNS_NANOS); i++) {
            run.run();
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
        return best / (sum.length() * DataType.FLOAT.width() / 1e6);
    }

    private static void bindGradients(ComputationGraph graph, VertexGraph vertices, GraphReplica replica) {
        if (graph.numParams() == 0) {
            return;
        }
        INDArray gradients = Nd4j.create(graph.params().dataType(), graph.numParams());
        long from = 0;
        for (Vertex vertex : vertices.vertices()) {
            long to = from + vertex.parameters();
            if (to > from && vertex.runsBackward()) {
                replica.bindGradients(vertex.position(), gradients.get(NDArrayIndex.interval(from, to)), false);
            }
            from = to;
        }
    }
}
