package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.device.DeviceThread;
import io.github.dl4jpipeline.internal.engine.Engine;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.partition.StageAssignment;
import io.github.dl4jpipeline.internal.schedule.CopyAssignment;
import io.github.dl4jpipeline.internal.schedule.StepTasks;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.MicroBatchMemory;
import io.github.dl4jpipeline.internal.stage.StageRunner;
import io.github.dl4jpipeline.internal.stage.StageScratch;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Finds how much memory micro-batches take, by running the stages of a plan on the host with few examples. This
 * changes nothing but the gradient array.
 */
final class TrialRun {
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final ComputationGraph graph;
    private final VertexGraph vertices;
    private final PartitionPlan plan;
    private final StageAssignment stages;
    private final KernelChoice kernels;
    private final boolean keepPreActivations;
    private final boolean splitBackward;
    private final boolean[] addsGradients;

    TrialRun(ComputationGraph graph, PartitionPlan plan, KernelChoice kernels, StepTasks tasks) {
        this.graph = graph;
        this.vertices = VertexGraph.of(graph);
        this.plan = plan;
        this.stages = StageAssignment.of(plan, vertices);
        this.kernels = kernels;
        this.keepPreActivations = CopyAssignment.leavesFewInFlight(tasks);
        this.splitBackward = tasks.splitsBackward();
        this.addsGradients = new boolean[vertices.size()];
    }

    /**
     * Bytes of a stage for micro-batches of some number of examples.
     *
     * @param kept for each micro-batch in flight
     * @param working for its tasks, of which there is one at a time
     */
    record Bytes(long kept, long working) {
        /** What follows for other examples, if a part grows with their number and a part does not. */
        static Bytes of(Bytes few, Bytes more, long ofFew, long ofMore, long examples) {
            return new Bytes(
                    line(few.kept, more.kept, ofFew, ofMore, examples),
                    line(few.working, more.working, ofFew, ofMore, examples));
        }

        private static long line(long few, long more, long ofFew, long ofMore, long examples) {
            return few + (more - few) * (examples - ofFew) / (ofMore - ofFew);
        }
    }

    /** By stage, for micro-batches of so many examples. */
    List<Bytes> run(MicroBatch batch, long examples, DeviceRuntime runtime) {
        Callable<List<Bytes>> task = () -> {
            int whole = (int) batch.examples();
            if (examples == whole) {
                return run(batch); // which may be the only number of examples that the graph can run with
            }
            MicroBatch few = batch.split(whole).get(0);
            List<Bytes> ofFew = run(few);
            if (examples == few.examples()) {
                return ofFew;
            }
            MicroBatch half = batch.split(whole / 2).get(0);
            MicroBatch more = half.examples() > few.examples() ? half : batch;
            List<Bytes> ofMore = run(more);
            List<Bytes> all = new ArrayList<>();
            for (int stage = 0; stage < ofFew.size(); stage++) {
                all.add(Bytes.of(ofFew.get(stage), ofMore.get(stage), few.examples(), more.examples(), examples));
            }
            return all;
        };
        // ND4J's workspaces belong to threads
        try (DeviceThread thread = DeviceThread.onHost(runtime, "trial-run")) {
            return thread.submit(task).get();
        } catch (ExecutionException e) {
            throw new IllegalArgumentException(
                    "Cannot run the graph with this batch: " + e.getCause().getMessage(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PipelineException("Interrupted while finding out how much memory stages take", e);
        }
    }

    private List<Bytes> run(MicroBatch part) {
        String name = "trial-" + COUNT.incrementAndGet();
        boolean workspaces = graph.getConfiguration().getTrainingWorkspaceMode() != WorkspaceMode.NONE;
        MicroBatchMemory memory = new MicroBatchMemory(graph, stages.stageOf(), name);
        GraphCopy copy = new GraphCopy(graph, memory, kernels, keepPreActivations, Engine.NONE, null);
        List<StageScratch> scratches = new ArrayList<>();
        List<StageRunner> runners = new ArrayList<>();
        for (int stage = 0; stage < stages.stages(); stage++) {
            Stage planned = plan.stages().get(stage);
            scratches.add(new StageScratch(name + "-stage-" + stage, workspaces));
            runners.add(new StageRunner(stage, stages.positions(stage), scratches.get(stage), planned.recompute()));
        }
        long[] received = new long[stages.stages()];
        try {
            bindGradients(copy);
            copy.begin(part, true, graph.getIterationCount(), graph.getEpochCount());
            for (int stage = 0; stage < runners.size(); stage++) {
                runners.get(stage).forward(copy, position -> {});
                received[stage] = received(copy, stage);
            }
            for (int stage = runners.size() - 1; stage >= 0; stage--) {
                backward(runners.get(stage), copy);
            }
            copy.end();
            List<Bytes> bytes = new ArrayList<>();
            for (int stage = 0; stage < received.length; stage++) {
                bytes.add(new Bytes(
                        copy.bytes(stage) + received[stage],
                        scratches.get(stage).bytes()));
            }
            return bytes;
        } finally {
            copy.reset();
            scratches.forEach(StageScratch::destroy);
        }
    }

    private void backward(StageRunner stage, GraphCopy copy) {
        if (splitBackward) {
            stage.backwardWithoutWeights(copy, 0, position -> {});
            stage.weights(copy, position -> {});
        } else {
            stage.backward(copy, 0, position -> {});
        }
    }

    private void bindGradients(GraphCopy copy) {
        List<@Nullable INDArray> slices = ParameterLayout.of(vertices).slices(graph.getFlattenedGradients());
        for (Vertex vertex : vertices.vertices()) {
            INDArray slice = slices.get(vertex.position());
            addsGradients[vertex.position()] = copy.addsGradients(vertex.position());
            if (slice != null && vertex.runsBackward()) {
                Stage planned = plan.stages().get(stages.stageOf(vertex.position()));
                // A second micro-batch adds its gradients to those of the first, which may take memory.
                copy.bindGradients(vertex.position(), slice, plan.microBatches() > planned.replicas());
            }
        }
    }

    /** What a stage reads of other stages' activations; the batch itself is not counted. */
    private long received(GraphCopy copy, int stage) {
        return stages.positions(stage).stream()
                .flatMap(position -> vertices.get(position).inputs().stream())
                .distinct()
                .filter(input -> stages.stageOf(input) != stage)
                .map(copy::activation)
                .mapToLong(activation -> activation == null ? 0 : activation.bytes())
                .sum();
    }

    /** Whether a vertex can add to the gradients that it finds; known after a run. */
    boolean addsGradients(int position) {
        return addsGradients[position];
    }
}
