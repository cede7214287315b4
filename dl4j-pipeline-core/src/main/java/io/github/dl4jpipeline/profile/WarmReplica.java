package io.github.dl4jpipeline.profile;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.DeviceRuntimes;
import io.github.dl4jpipeline.device.DeviceThread;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.kernel.GraphReplica;
import io.github.dl4jpipeline.kernel.KernelChoice;
import io.github.dl4jpipeline.kernel.MicroBatch;
import io.github.dl4jpipeline.kernel.StageKernel;
import io.github.dl4jpipeline.kernel.StageScratch;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A replica of a graph on a thread that is bound to a device, which passes the same examples forward and backward again and
 * again. Its memory is kept from one measurement to the next, as it is from step to step in training. Gradients go to an
 * array of its own.
 */
final class WarmReplica implements AutoCloseable {
    /** A graph that takes less time is run more often. */
    private static final int MOST_RUNS = 6;

    private static final long RUNS_NANOS = 150_000_000;

    private static final AtomicLong CREATED = new AtomicLong();

    private final ComputationGraph graph;
    private final VertexGraph vertices;
    private final MicroBatch sample;
    private final KernelChoice kernels;
    private final Supplier<INDArray> gradients;
    private final String name = "profile-" + CREATED.incrementAndGet();
    private final DeviceRuntime runtime;
    private final ExecutorService thread;

    private @Nullable Created created;

    /** What is made on the thread of the device. */
    private record Created(GraphReplica replica, StageKernel kernel, StageScratch scratch) {}

    /** @param gradients gives the array for the gradients of all parameters; called in the device's thread */
    WarmReplica(
            ComputationGraph graph,
            MicroBatch sample,
            Device device,
            KernelChoice kernels,
            Supplier<INDArray> gradients) {
        this.graph = graph;
        this.vertices = VertexGraph.of(graph);
        this.sample = sample;
        this.kernels = kernels;
        this.gradients = gradients;
        this.runtime = DeviceRuntimes.of(device);
        this.thread = DeviceThread.withHostArrays(device, name + "-" + device.id());
    }

    /** Starts a measurement of at least one run. Memory is reserved in the first two runs, so they should not count. */
    Future<VertexTimer> measure() {
        return thread.submit(() -> {
            Created own = created;
            if (own == null) {
                own = create();
                created = own;
            }
            return run(own);
        });
    }

    private Created create() {
        GraphReplica replica = new GraphReplica(graph, new int[vertices.size()], kernels, true, name, null);
        StageScratch scratch = new StageScratch(name, replica.usesWorkspaces());
        bindGradients(replica);
        List<Integer> positions =
                vertices.vertices().stream().map(Vertex::position).toList();
        return new Created(replica, new StageKernel(0, positions, scratch, false), scratch);
    }

    private VertexTimer run(Created own) {
        VertexTimer timer = new VertexTimer(vertices.size(), runtime::synchronize);
        long start = System.nanoTime();
        for (int i = 0; i == 0 || (i < MOST_RUNS && System.nanoTime() - start < RUNS_NANOS); i++) {
            own.replica().begin(sample, false, graph.getIterationCount(), graph.getEpochCount());
            own.kernel().forward(own.replica(), timer);
            own.kernel().backward(own.replica(), 0, timer);
            own.replica().end();
        }
        IntStream.range(0, vertices.size()).filter(own.replica()::addsGradients).forEach(timer::addsGradients);
        return timer;
    }

    private void bindGradients(GraphReplica bound) {
        if (graph.numParams() == 0) {
            return;
        }
        INDArray all = gradients.get();
        long from = 0;
        for (Vertex vertex : vertices.vertices()) {
            long to = from + vertex.parameters();
            if (to > from && vertex.runsBackward()) {
                bound.bindGradients(vertex.position(), all.get(NDArrayIndex.interval(from, to)), false);
            }
            from = to;
        }
    }

    /** Whether it has been closed and nothing runs any more. */
    boolean hasEnded() {
        return thread.isTerminated();
    }

    /** Frees its memory, after what it has begun. */
    @Override
    public void close() {
        thread.execute(() -> {
            if (created != null) {
                created.replica().reset();
                created.scratch().destroy();
            }
        });
        thread.shutdown();
        try {
            thread.awaitTermination(1, TimeUnit.MINUTES);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it ends by itself
        }
    }
}
