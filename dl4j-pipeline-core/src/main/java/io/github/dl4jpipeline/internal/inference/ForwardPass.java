package io.github.dl4jpipeline.internal.inference;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.engine.Engine;
import io.github.dl4jpipeline.internal.engine.PackedWeights;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.ActivationMemory;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.MicroBatchMemory;
import io.github.dl4jpipeline.internal.stage.StageRunner;
import io.github.dl4jpipeline.internal.stage.StageScratch;
import io.github.dl4jpipeline.internal.stage.VertexObserver;
import io.github.dl4jpipeline.internal.tiling.TileSetup;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs a graph forward for inference as a {@link ForwardSchedule} says, with vertices on several workers, one batch at a
 * time. A worker waits for a vertex of another one where it needs its output, and nowhere else.
 */
final class ForwardPass implements AutoCloseable {
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final DeviceWorkers workers;
    private final VertexGraph vertices;
    private final int[] outputs;
    private final int[] workerOf;
    private final GraphCopy copy;
    private final PackedWeights packed = PackedWeights.keeping();
    private final List<StageScratch> scratches = new ArrayList<>();
    private final List<StageRunner> runners = new ArrayList<>();
    private final double[] shortestMillis;

    ForwardPass(ComputationGraph graph, KernelChoice code, ForwardSchedule schedule, DeviceWorkers workers) {
        this(graph, code, schedule, workers, null);
    }

    /** @param tiles vertices that are run in tiles, all of one worker; null for none */
    ForwardPass(
            ComputationGraph graph,
            KernelChoice code,
            ForwardSchedule schedule,
            DeviceWorkers workers,
            @Nullable TileSetup tiles) {
        this.workers = workers;
        this.vertices = VertexGraph.of(graph);
        this.outputs = graph.getConfiguration().getNetworkOutputs().stream()
                .mapToInt(name -> vertices.get(name).position())
                .toArray();
        this.workerOf = new int[vertices.size()];
        this.shortestMillis = new double[vertices.size()];
        Arrays.fill(shortestMillis, Double.POSITIVE_INFINITY);
        for (int worker = 0; worker < schedule.positions().size(); worker++) {
            for (int position : schedule.positions().get(worker)) {
                workerOf[position] = worker;
            }
        }
        String name = "inference-" + COUNT.incrementAndGet();
        copy = new GraphCopy(graph, new MicroBatchMemory(graph, workerOf, name), code, false, Engine.of(packed), tiles);
        for (List<Integer> positions : schedule.positions()) {
            if (!positions.isEmpty()) {
                StageScratch scratch = new StageScratch(name + "-worker-" + runners.size(), copy.usesWorkspaces());
                scratches.add(scratch);
                runners.add(new StageRunner(runners.size(), positions, scratch, false));
            }
        }
    }

    /**
     * The network outputs for a batch, without labels.
     *
     * @param target an open workspace for the outputs, or null for none
     */
    INDArray[] outputs(MicroBatch batch, @Nullable MemoryWorkspace target) {
        boolean done = false;
        // The pass opens and closes workspaces of its own; the caller's is to be the current one afterwards.
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces();
                ActivationMemory.Visit visit = new ActivationMemory.Visit()) {
            packed.renew();
            copy.begin(batch, false, 0, 0);
            workers.all(runners.size(), new Run()::run);
            INDArray[] result = copyOfOutputs(target);
            runners.forEach(runner -> runner.forget(copy));
            copy.end();
            done = true;
            return result;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    private INDArray[] copyOfOutputs(@Nullable MemoryWorkspace target) {
        try (MemoryWorkspace ignored = OutputWorkspace.open(target)) {
            return Arrays.stream(outputs)
                    .mapToObj(copy::activation)
                    .map(value -> value.values().dup(value.values().ordering()))
                    .toArray(INDArray[]::new);
        }
    }

    /** The shortest time of each vertex in all passes so far, by position. */
    double[] shortestMillis() {
        return shortestMillis.clone();
    }

    /** Frees the memory; the next pass allocates anew. */
    @Override
    public void close() {
        copy.reset();
        scratches.forEach(StageScratch::destroy);
        packed.close();
    }

    /** One pass. */
    private final class Run {
        /** By position: open when the vertex has run; null for vertices that no other worker reads. */
        private final @Nullable CountDownLatch[] done = new CountDownLatch[vertices.size()];

        private volatile boolean failed;

        Run() {
            for (Vertex vertex : vertices.vertices()) {
                for (int input : vertex.inputs()) {
                    if (workerOf[input] != workerOf[vertex.position()] && done[input] == null) {
                        done[input] = new CountDownLatch(1);
                    }
                }
            }
        }

        @Nullable Void run(int worker) {
            boolean succeeded = false;
            try {
                runners.get(worker).infer(copy, new Turns(worker));
                succeeded = true;
            } finally {
                if (!succeeded) {
                    failed = true;
                    Arrays.stream(done).filter(latch -> latch != null).forEach(CountDownLatch::countDown);
                }
            }
            return null;
        }

        /** Lets a worker wait for the others. */
        private final class Turns implements VertexObserver {
            private final int worker;
            private long begunNanos;

            Turns(int worker) {
                this.worker = worker;
            }

            @Override
            public void begin(int position) {
                for (int input : vertices.get(position).inputs()) {
                    if (workerOf[input] != worker) {
                        await(done[input]);
                    }
                }
                if (failed) {
                    throw new CancellationException("Another device has failed");
                }
                begunNanos = System.nanoTime();
            }

            private void await(CountDownLatch latch) {
                try {
                    latch.await();
                } catch (InterruptedException e) {
                    throw new CancellationException("Interrupted");
                }
            }

            @Override
            public void forwardDone(int position, long bytes, Supplier<INDArray> activation) {
                double millis = (System.nanoTime() - begunNanos) / 1e6;
                shortestMillis[position] = Math.min(shortestMillis[position], millis);
                if (done[position] != null) {
                    done[position].countDown();
                }
            }
        }
    }
}
