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
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.util.ComputationGraphUtil;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Measures every vertex of a graph, forward and backward, on a device.
 *
 * <p>The graph's parameters, updater state and counts stay as they are: gradients go to an array of their own. What is
 * measured is the code that training runs, on a thread that is bound to the device.
 */
public final class GraphProfiler {
    private static final int WARM_UP = 2;
    private static final int REPETITIONS = 5;

    private GraphProfiler() {}

    /** Profiles on one core of this machine, with the examples of {@code sample}. */
    public static GraphProfile profile(ComputationGraph graph, DataSet sample) {
        return profile(graph, ComputationGraphUtil.toMultiDataSet(sample));
    }

    /** Profiles on one core of this machine, with the examples of {@code sample}. */
    public static GraphProfile profile(ComputationGraph graph, MultiDataSet sample) {
        return profile(graph, sample, Devices.cpu().get(0));
    }

    /**
     * Profiles on a device, with the examples of {@code sample}.
     *
     * @throws IllegalArgumentException if the sample does not fit the graph
     */
    public static GraphProfile profile(ComputationGraph graph, MultiDataSet sample, Device device) {
        return profile(
                graph,
                MicroBatch.whole(
                        sample.getFeatures(),
                        sample.getLabels(),
                        sample.getFeaturesMaskArrays(),
                        sample.getLabelsMaskArrays()),
                device,
                Kernels.FAST);
    }

    /** Profiles on a device, with the examples of a batch or micro-batch and the layer code that training will use. */
    public static GraphProfile profile(ComputationGraph graph, MicroBatch sample, Device device, Kernels kernels) {
        graph.init();
        ExecutorService thread = Executors.newSingleThreadExecutor(task -> {
            Thread created = new Thread(task, "profile-" + device.id());
            created.setDaemon(true);
            return created;
        });
        try (CpuRuntime.Limit ignored = CpuRuntime.limitThreads(device.threads())) {
            return thread.submit(() -> {
                        CpuRuntime.bindCurrentThread(device);
                        return measure(graph, sample, device, kernels);
                    })
                    .get();
        } catch (ExecutionException e) {
            throw new IllegalArgumentException(
                    "Cannot profile the graph with this sample: " + e.getCause().getMessage(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while profiling", e);
        } finally {
            thread.shutdownNow();
        }
    }

    private static GraphProfile measure(ComputationGraph graph, MicroBatch sample, Device device, Kernels kernels) {
        VertexGraph vertices = VertexGraph.of(graph);
        String name = "profile-" + Thread.currentThread().getId();
        GraphReplica replica = new GraphReplica(graph, new int[vertices.size()], KernelChoice.all(kernels), true, name);
        StageScratch scratch = new StageScratch(name, replica.usesWorkspaces());
        List<Integer> positions =
                vertices.vertices().stream().map(Vertex::position).toList();
        StageKernel kernel = new StageKernel(0, positions, scratch);
        VertexTimer timer = new VertexTimer(vertices.size());
        try {
            bindGradients(graph, vertices, replica);
            for (int run = 0; run < WARM_UP + REPETITIONS; run++) {
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
        List<VertexCost> costs = new ArrayList<>();
        for (Vertex vertex : vertices.vertices()) {
            costs.add(timer.cost(vertex, vertices, graph));
        }
        return new GraphProfile((int) sample.examples(), device.id(), REPETITIONS, costs);
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
