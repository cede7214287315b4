package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.engine.Engine;
import io.github.dl4jpipeline.internal.engine.GradientRows;
import io.github.dl4jpipeline.internal.engine.GradientTurn;
import io.github.dl4jpipeline.internal.engine.PackedWeights;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.MicroBatchMemory;
import io.github.dl4jpipeline.internal.stage.StageRunner;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
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

    /** Micro-batches of the step whose first and last one {@link Passes#TWICE} runs, which decides how much memory is reserved. */
    private static final long MICRO_BATCHES = 8;

    private static final AtomicLong CREATED = new AtomicLong();

    private final ComputationGraph graph;
    private final VertexGraph vertices;
    private final MicroBatch sample;
    private final KernelChoice kernels;
    private final CopySlot slot;
    private final PackedWeights packed = new PackedWeights();

    private @Nullable Created created;

    /** How the examples are run. */
    enum Passes {
        /** Forward and backward. */
        ONCE,
        /** With parameter gradients computed after the backward pass. */
        SPLIT,
        /** As two micro-batches of a step, which share what a step does once. Each has times of its own. */
        TWICE
    }

    /** What is made on the thread of a device. */
    private record Created(GraphCopy copy, StageRunner runner, List<Gradients> gradients) {}

    /** Where the gradients of a vertex go, and what a micro-batch of a step leaves for them to the next. */
    private record Gradients(int position, INDArray sum, GradientRows rows) {}

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
     * @param nanos time for several runs
     */
    VertexTimer measure(Passes passes, DeviceRuntime runtime, long nanos) {
        long start = System.nanoTime();
        VertexTimer timer = new VertexTimer(vertices.size(), runtime::synchronize);
        do {
            run(timer, passes);
        } while (timer.runs() < MOST_RUNS && System.nanoTime() - start < nanos);
        return timer;
    }

    /**
     * Runs beside another measurement until that has ended, and takes the times of at least one run. Later ones count if they
     * ended before it did: the last may have had the machine for itself.
     */
    VertexTimer measureBeside(Future<?> other, DeviceRuntime runtime) {
        VertexTimer timer = new VertexTimer(vertices.size(), runtime::synchronize);
        run(timer, Passes.ONCE);
        while (!other.isDone()) {
            VertexTimer next = new VertexTimer(vertices.size(), runtime::synchronize);
            run(next, Passes.ONCE);
            if (!other.isDone()) {
                timer.add(next);
            }
        }
        return timer;
    }

    private void run(VertexTimer timer, Passes passes) {
        try {
            runStep(timer, passes);
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

    private void runStep(VertexTimer timer, Passes passes) {
        Created own = created();
        packed.renew();
        if (passes == Passes.TWICE) {
            own.gradients().forEach(gradients -> gradients.rows().begin());
            gather(own, new GradientTurn(true, sample.examples(), (MICRO_BATCHES - 1) * sample.examples()));
            runMicroBatch(own, timer, passes);
            gather(own, new GradientTurn(false, sample.examples(), 0));
            runMicroBatch(own, timer, passes);
            own.gradients()
                    .forEach(gradients ->
                            timer.left(gradients.position(), gradients.rows().bytes()));
        } else {
            own.gradients()
                    .forEach(gradients -> own.copy().bindGradients(gradients.position(), gradients.sum(), false));
            runMicroBatch(own, timer, passes);
        }
        for (Vertex vertex : vertices.vertices()) {
            if (own.copy().addsGradients(vertex.position())) {
                timer.addsGradients(vertex.position());
            }
            timer.packed(vertex.position(), packed.bytes(Set.of(vertex.name())));
        }
    }

    private static void gather(Created own, GradientTurn turn) {
        for (Gradients gradients : own.gradients()) {
            if (own.copy().addsGradients(gradients.position())) {
                own.copy().bindGradients(gradients.position(), gradients.sum(), !turn.first());
                own.copy().gather(gradients.position(), gradients.rows(), turn);
            }
        }
    }

    private void runMicroBatch(Created own, VertexTimer timer, Passes passes) {
        own.copy().begin(sample, false, graph.getIterationCount(), graph.getEpochCount());
        own.runner().forward(own.copy(), timer);
        if (passes == Passes.SPLIT) {
            own.runner().backwardWithoutWeights(own.copy(), 0, timer);
            own.runner().weights(own.copy(), timer);
        } else {
            own.runner().backward(own.copy(), 0, timer);
        }
        own.copy().end();
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
        List<Integer> positions =
                vertices.vertices().stream().map(Vertex::position).toList();
        return new Created(
                copy, new StageRunner(0, positions, slot.scratch(copy.usesWorkspaces()), false), gradients());
    }

    private List<Gradients> gradients() {
        if (graph.params().length() == 0) {
            return List.of();
        }
        List<Gradients> all = new ArrayList<>();
        INDArray gradients = slot.gradients();
        long from = 0;
        for (Vertex vertex : vertices.vertices()) {
            long to = from + vertex.parameters();
            if (to > from && vertex.runsBackward()) {
                INDArray sum = gradients.get(NDArrayIndex.interval(from, to));
                all.add(new Gradients(vertex.position(), sum, new GradientRows()));
            }
            from = to;
        }
        return all;
    }

    /** Frees its memory, when no thread runs it any more. */
    void free() {
        if (created != null) {
            created.copy().reset();
            created.gradients().forEach(gradients -> gradients.rows().close());
            packed.close();
        }
    }
}
