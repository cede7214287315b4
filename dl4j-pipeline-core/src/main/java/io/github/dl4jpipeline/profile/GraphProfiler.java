package io.github.dl4jpipeline.profile;

import io.github.dl4jpipeline.device.CpuRuntime;
import io.github.dl4jpipeline.device.Device;
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
 * measured is the code that training runs, on a thread that is bound to the device.
 */
public final class GraphProfiler {
    private static final int WARM_UP = 2;
    private static final int REPETITIONS = 5;

    /** For figures that need no more than a rough value. */
    private static final int SHORT_REPETITIONS = 3;

    private static final int CHOICE_REPETITIONS = 2;

    /** Times differ by some percent from run to run. */
    private static final double CLEARLY = 0.85;

    /** Costs are measured with all examples and with one of so many parts, to tell what grows with their number. */
    private static final int PARTS = 4;

    private static final long MOST_ADDED = 4_000_000;

    private GraphProfiler() {}

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
    public static GraphProfile profile(ComputationGraph graph, MicroBatch sample, Devices devices, Kernels kernels) {
        graph.init();
        Device device = devices.get(0);
        MicroBatch part = sample.split(PARTS).get(0);
        KernelChoice choice =
                kernels == Kernels.FAST ? faster(graph, sample, List.of(device)) : KernelChoice.all(kernels);
        VertexTimer whole = time(graph, sample, List.of(device), choice, REPETITIONS);
        VertexTimer fewer = time(graph, part, List.of(device), choice, REPETITIONS);
        double share = (double) part.examples() / sample.examples();
        VertexGraph vertices = VertexGraph.of(graph);
        List<VertexCost> costs = vertices.vertices().stream()
                .map(vertex -> whole.cost(vertex, vertices, graph, fewer, share))
                .toList();
        MachineSpeed machine = devices.size() == 1
                ? MachineSpeed.UNKNOWN
                : machine(graph, sample, devices, choice, whole.shortestMillis());
        return new GraphProfile(
                (int) sample.examples(), device.id(), REPETITIONS, machine, List.copyOf(choice.other()), costs);
    }

    /** The usual fast kernels, except where the other code has been measured to be clearly faster. */
    private static KernelChoice faster(ComputationGraph graph, MicroBatch sample, List<Device> device) {
        KernelChoice all = KernelChoice.all(Kernels.FAST);
        VertexTimer fast = time(graph, sample, device, all, CHOICE_REPETITIONS);
        Set<String> candidates = new HashSet<>(KernelChoice.fastVertices(graph));
        VertexTimer other = time(graph, sample, device, all.except(candidates), CHOICE_REPETITIONS);
        candidates.removeAll(KernelChoice.joinableVertices(graph, Kernels.FAST)); // the plan may need their code
        return all.except(VertexGraph.of(graph).vertices().stream()
                .filter(vertex -> candidates.contains(vertex.name()))
                .filter(vertex -> other.millis(vertex.position()) < CLEARLY * fast.millis(vertex.position()))
                .map(Vertex::name)
                .toList());
    }

    private static MachineSpeed machine(
            ComputationGraph graph, MicroBatch sample, Devices devices, KernelChoice kernels, double alone) {
        Device joint = JointDevice.of(devices);
        double jointMillis =
                time(graph, sample, List.of(joint), kernels, SHORT_REPETITIONS).shortestMillis();
        double sharedMillis =
                time(graph, sample, devices.list(), kernels, SHORT_REPETITIONS).shortestMillis();
        return new MachineSpeed(
                joint.threads(),
                alone / jointMillis,
                Math.min(1, alone / sharedMillis),
                onThreadOf(devices.get(0), () -> addMillisPerMegabyte(graph.numParams())));
    }

    /** Times the graph on devices that all do the same at once; the times are those of the first. */
    private static VertexTimer time(
            ComputationGraph graph, MicroBatch sample, List<Device> devices, KernelChoice kernels, int repetitions) {
        int threads = devices.stream().mapToInt(Device::threads).max().orElse(1);
        try (CpuRuntime.Limit ignored = CpuRuntime.limitThreads(threads)) {
            List<FutureTask<VertexTimer>> runs = new ArrayList<>();
            for (Device device : devices) {
                runs.add(start(device, () -> measure(graph, sample, kernels, repetitions)));
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
            CpuRuntime.bindCurrentThread(device);
            return work.call();
        });
        Thread thread = new Thread(task, "profile-" + device.id());
        thread.setDaemon(true);
        thread.start();
        return task;
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

    private static VertexTimer measure(
            ComputationGraph graph, MicroBatch sample, KernelChoice kernels, int repetitions) {
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
            for (int run = 0; run < WARM_UP + repetitions; run++) {
                replica.begin(sample, false, graph.getIterationCount(), graph.getEpochCount());
                kernel.forward(replica, timer);
                kernel.backward(replica, 0, timer);
                replica.end();
                if (run < WARM_UP) {
                    timer.forget();
                }
            }
        } finally {
            replica.reset();
            scratch.destroy();
        }
        return timer;
    }

    private static double addMillisPerMegabyte(long parameters) {
        INDArray sum = Nd4j.create(DataType.FLOAT, Math.max(MOST_ADDED / 64, Math.min(parameters, MOST_ADDED)));
        INDArray other = sum.like();
        double best = Double.POSITIVE_INFINITY;
        for (int run = 0; run < WARM_UP + REPETITIONS; run++) {
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
