package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.internal.engine.Engine;
import io.github.dl4jpipeline.internal.engine.PackedWeights;
import io.github.dl4jpipeline.internal.graph.GroupableLayers;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.memory.StageMemory.RunningStep;
import io.github.dl4jpipeline.internal.partition.StageAssignment;
import io.github.dl4jpipeline.internal.schedule.CopyAssignment;
import io.github.dl4jpipeline.internal.schedule.StepTasks;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.JointMicroBatches;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.MicroBatchGroup;
import io.github.dl4jpipeline.internal.stage.MicroBatchMemory;
import io.github.dl4jpipeline.internal.stage.Peers;
import io.github.dl4jpipeline.internal.stage.StageScratch;
import io.github.dl4jpipeline.internal.tiling.TileSetup;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.MovableWeights;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.Function;
import java.util.function.IntConsumer;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;

/**
 * The memory of a pipeline: that of each replica of each stage, and the parameters of the model. {@link MemoryKind} makes it.
 *
 * <p>The thread that runs steps calls it, between two of them. Any thread may ask for {@link #bytes} and {@link #tileMeasurement}.
 */
public abstract class PipelineMemory implements AutoCloseable {
    /**
     * What a pipeline has memory for.
     *
     * @param graph the pipeline's, with the host's parameters and gradient array
     * @param tasks those of steps with the most micro-batches
     * @param batchNorm over what statistics are taken
     * @param tiles the vertices that are run in tiles; null for none
     * @param name a prefix of workspace names that no other pipeline of the process has
     * @param peers the workers in other processes; null if all are here
     */
    public record Setup(
            ComputationGraph graph,
            PartitionPlan plan,
            StageAssignment stages,
            StepTasks tasks,
            KernelChoice kernels,
            BatchNormStatistics batchNorm,
            @Nullable TileSetup tiles,
            String name,
            @Nullable Peers peers) {

        /** The name of a replica of a stage. */
        public String nameOf(int stage, int replica) {
            return name + "-stage-" + stage + (replicas(stage) > 1 ? "-replica-" + replica : "");
        }

        int replicas(int stage) {
            return tasks.workers().replicas(stage);
        }

        /** Whether a replica of a stage may have more than one micro-batch in a step. */
        boolean severalMicroBatches(int stage) {
            return tasks.microBatches() > replicas(stage);
        }

        /** Positions of the last vertices of the last stage that groups of micro-batches run; empty without groups. */
        List<Integer> grouped() {
            if (plan.grouped() == 1 || tiles != null) {
                return List.of();
            }
            List<Integer> positions = new ArrayList<>(stages.positions(stages.stages() - 1));
            positions.retainAll(GroupableLayers.positions(graph));
            return positions;
        }

        GraphCopy copy(MicroBatchMemory memory, Engine engine) {
            return new GraphCopy(graph, memory, kernels, CopyAssignment.leavesFewInFlight(tasks), engine, tiles);
        }

        /** Whether parameter gradients have tasks that any worker could run. */
        boolean hasMovableWeights() {
            return MovableWeights.exist(tasks.splitsBackward(), tasks.workers());
        }

        StageScratch scratch(int stage, int replica, String use) {
            boolean workspaces = graph.getConfiguration().getTrainingWorkspaceMode() != WorkspaceMode.NONE;
            return new StageScratch(nameOf(stage, replica) + use, workspaces);
        }
    }

    /** The threads of a pipeline, for work between two passes. */
    public interface Threads {
        /** Runs work for each stage in the worker of its first replica, and waits for all. */
        void inEachStage(IntConsumer work);

        /**
         * Runs the same work in as many threads at once as the devices have, and waits. Its operations have one thread each.
         * Threads that have ended do not take part.
         */
        void inEachThread(Runnable work);
    }

    /** Weights as the engine reads them; none where it does not run. */
    final PackedWeights packed = new PackedWeights();

    private final Function<StepTasks, CopyAssignment> rule;

    /** By number of micro-batches. */
    private final Map<Integer, CopyAssignment> copies = new HashMap<>();

    private volatile @Nullable RunningStep running;

    /** @param rule says which copies micro-batches use */
    PipelineMemory(Function<StepTasks, CopyAssignment> rule) {
        this.rule = rule;
    }

    /**
     * Begins a step.
     *
     * @param groups of micro-batches that run the last vertices of a stage as one, by micro-batch
     */
    public final void beginStep(
            StepTasks tasks, List<MicroBatch> microBatches, List<MicroBatchGroup> groups, int iteration, int epoch) {
        CopyAssignment assigned = copies.computeIfAbsent(tasks.microBatches(), count -> rule.apply(tasks));
        int[] stagesLeft = new int[microBatches.size()];
        Arrays.fill(stagesLeft, tasks.workers().stages());
        running = new RunningStep(assigned, microBatches, groups, new AtomicIntegerArray(stagesLeft), iteration, epoch);
        packed.renew();
    }

    /** Lets go of the batch, when the workers have left the step. */
    public final void forgetStep() {
        running = null;
    }

    final RunningStep running() {
        RunningStep step = running;
        if (step == null) {
            throw new IllegalStateException("No step has begun");
        }
        return step;
    }

    /** Whether any worker may run the tasks for parameter gradients of any stage. */
    public abstract boolean movesWeights();

    /** The memory of a replica of a stage. */
    public abstract StageMemory stage(int stage, int replica);

    /** The parameters of the model, in all stages. */
    public abstract ParameterMemory parameters();

    /** What micro-batches that run at the same time compute together; null for nothing. */
    public abstract @Nullable JointMicroBatches joint();

    /** Ends a step that has not failed: the sums of all replicas are added up when it returns. */
    public abstract void endStep(StepTasks tasks);

    /** What the tiles of a micro-batch have taken; empty before the first step, and without tiles. */
    public abstract Optional<TileMeasurement> tileMeasurement();

    /** Bytes that a stage has reserved, in all its replicas. */
    public abstract long bytes(int stage);

    /** Frees the memory of micro-batches in flight, after a step that failed. */
    public abstract void reset();

    /** Brings parameters to the host for the last time, and frees everything. No worker may use it any more. */
    @Override
    public abstract void close();
}
