package io.github.dl4jpipeline.internal.inference;

import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.function.Supplier;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Finds out, for batches of one size, whether it pays to run independent vertices on different devices.
 *
 * <p>The first calls run on one device and take the time of each vertex; these give a schedule. If the schedule
 * promises to be shorter, the next calls take turns between it and the other way to run the batch. The faster way
 * stays. Every call gives its result.
 */
final class ForwardChoice implements AutoCloseable {
    /** Runs of each kind that are measured; the shortest counts, since the first ones are slow. */
    private static final int RUNS = 10;

    /** Waking the thread of another device, rounded up. */
    private static final double HANDOVER_MILLIS = 0.1;

    /** What a schedule has to promise, as a part of the time on one device, to be tried. */
    private static final double PROMISE = 0.9;

    private final ComputationGraph graph;
    private final VertexGraph vertices;
    private final KernelChoice code;
    private final DeviceWorkers workers;
    private @Nullable ForwardPass pass;
    private boolean parallel;
    private boolean decided;
    private int calls;
    private double shortestParallel = Double.POSITIVE_INFINITY;
    private double shortestOther = Double.POSITIVE_INFINITY;

    ForwardChoice(ComputationGraph graph, KernelChoice code, DeviceWorkers workers) {
        this.graph = graph;
        this.vertices = VertexGraph.of(graph);
        this.code = code;
        this.workers = workers;
        if (ForwardSchedule.hasIndependentVertices(vertices)) {
            pass = new ForwardPass(graph, code, ForwardSchedule.sequential(vertices), workers);
        } else {
            decided = true;
        }
    }

    /**
     * The network outputs for a batch.
     *
     * @param target an open workspace for the outputs, or null for none
     * @param other the other way to compute them
     */
    INDArray[] outputs(MicroBatch batch, @Nullable MemoryWorkspace target, Supplier<INDArray[]> other) {
        if (decided) {
            return pass == null ? other.get() : pass.outputs(batch, target);
        }
        boolean runsPass = !parallel || calls % 2 == 0;
        long start = System.nanoTime();
        INDArray[] outputs = runsPass ? pass.outputs(batch, target) : other.get();
        double millis = (System.nanoTime() - start) / 1e6;
        calls++;
        if (!parallel) {
            plan();
        } else {
            compare(runsPass, millis);
        }
        return outputs;
    }

    /** After enough runs on one device: is there a schedule worth trying? */
    private void plan() {
        if (calls < RUNS) {
            return;
        }
        double[] millis = pass.shortestMillis();
        double oneDevice = ForwardSchedule.of(vertices, millis, 1, 0).millis();
        ForwardSchedule schedule = ForwardSchedule.of(vertices, millis, workers.size(), HANDOVER_MILLIS);
        pass.close();
        if (schedule.millis() <= PROMISE * oneDevice) {
            pass = new ForwardPass(graph, code, schedule, workers);
            parallel = true;
            calls = 0;
        } else {
            decide(false);
        }
    }

    private void compare(boolean ranPass, double millis) {
        if (ranPass) {
            shortestParallel = Math.min(shortestParallel, millis);
        } else {
            shortestOther = Math.min(shortestOther, millis);
        }
        if (calls == 2 * RUNS) {
            decide(shortestParallel < shortestOther);
        }
    }

    private void decide(boolean forPass) {
        decided = true;
        if (!forPass) {
            pass.close();
            pass = null;
        }
    }

    @Override
    public void close() {
        if (pass != null) {
            pass.close();
        }
    }
}
