package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.engine.Engine;
import io.github.dl4jpipeline.internal.engine.PackedWeights;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.MicroBatchMemory;
import io.github.dl4jpipeline.internal.stage.StageRunner;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A copy of a graph, which passes the same examples forward and backward again and again, on one device or another. Its
 * memory is kept from one measurement to the next, as it is from step to step in training.
 */
public final class WarmCopy {
    /** A graph that takes less time is run more often. */
    private static final int MOST_RUNS = 6;

    private static final AtomicLong CREATED = new AtomicLong();

    private final ComputationGraph graph;
    private final VertexGraph vertices;
    private final MicroBatch sample;
    private final KernelChoice kernels;
    private final CopySlot slot;
    private final PackedWeights packed = new PackedWeights();

    private @Nullable Created created;

    /** What is made on the thread of a device. */
    private record Created(GraphCopy copy, StageRunner runner) {}

    /** @param slot memory that it shares with copies that run at other times */
    WarmCopy(ComputationGraph graph, MicroBatch sample, KernelChoice kernels, CopySlot slot) {
        this.graph = graph;
        this.vertices = VertexGraph.of(graph);
        this.sample = sample;
        this.kernels = kernels;
        this.slot = slot;
    }

    /**
     * Takes the times of at least one run on the device that the calling thread is bound to. Memory is reserved in the first
     * two runs, so they should not count.
     *
     * @param split whether parameter gradients are computed after the backward pass
     * @param nanos time for several runs
     */
    VertexTimer measure(boolean split, DeviceRuntime runtime, long nanos) {
        long start = System.nanoTime();
        VertexTimer timer = new VertexTimer(vertices.size(), runtime::synchronize);
        do {
            run(timer, split);
        } while (timer.runs() < MOST_RUNS && System.nanoTime() - start < nanos);
        return timer;
    }

    /**
     * Runs beside another measurement until that has ended, and takes the times of at least one run. Later ones count if they
     * ended before it did: the last may have had the machine for itself.
     */
    VertexTimer measureBeside(Future<?> other, DeviceRuntime runtime) {
        VertexTimer timer = new VertexTimer(vertices.size(), runtime::synchronize);
        run(timer, false);
        while (!other.isDone()) {
            VertexTimer next = new VertexTimer(vertices.size(), runtime::synchronize);
            run(next, false);
            if (!other.isDone()) {
                timer.add(next);
            }
        }
        return timer;
    }

    private void run(VertexTimer timer, boolean split) {
        try {
            runOnce(timer, split);
        } catch (RuntimeException e) {
            reset();
            if (timer.begun() == VertexTimer.NONE) {
                throw e;
            }
            throw new VertexFailure(vertices.get(timer.begun()).name(), e);
        }
    }

    /** Frees what a failed run has left. */
    private void reset() {
        free();
        created = null;
        slot.freeScratch();
    }

    private void runOnce(VertexTimer timer, boolean split) {
        Created own = created();
        packed.renew();
        own.copy().begin(sample, false, graph.getIterationCount(), graph.getEpochCount());
        own.runner().forward(own.copy(), timer);
        if (split) {
            own.runner().backwardWithoutWeights(own.copy(), 0, timer);
            own.runner().weights(own.copy(), timer);
        } else {
            own.runner().backward(own.copy(), 0, timer);
        }
        own.copy().end();
        IntStream.range(0, vertices.size()).filter(own.copy()::addsGradients).forEach(timer::addsGradients);
    }

    private Created created() {
        if (created == null) {
            created = create();
        }
        return created;
    }

    private Created create() {
        String name = "profile-" + CREATED.incrementAndGet();
        GraphCopy copy = new GraphCopy(
                graph,
                new MicroBatchMemory(graph, new int[vertices.size()], name),
                kernels,
                true,
                Engine.of(packed),
                null);
        bindGradients(copy);
        List<Integer> positions =
                vertices.vertices().stream().map(Vertex::position).toList();
        return new Created(copy, new StageRunner(0, positions, slot.scratch(copy.usesWorkspaces()), false));
    }

    private void bindGradients(GraphCopy bound) {
        if (graph.numParams() == 0) {
            return;
        }
        INDArray gradients = slot.gradients();
        long from = 0;
        for (Vertex vertex : vertices.vertices()) {
            long to = from + vertex.parameters();
            if (to > from && vertex.runsBackward()) {
                bound.bindGradients(vertex.position(), gradients.get(NDArrayIndex.interval(from, to)), false);
            }
            from = to;
        }
    }

    /** Frees its memory, when no thread runs it any more. */
    void free() {
        if (created != null) {
            created.copy().reset();
            packed.close();
        }
    }
}
