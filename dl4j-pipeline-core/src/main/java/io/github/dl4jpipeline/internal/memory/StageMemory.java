package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.internal.engine.GradientTurn;
import io.github.dl4jpipeline.internal.schedule.CopyAssignment;
import io.github.dl4jpipeline.internal.stage.BackwardResult;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.GroupRunner;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.MicroBatchGroup;
import io.github.dl4jpipeline.internal.stage.StageScratch;
import io.github.dl4jpipeline.schedule.Task;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.Supplier;
import org.deeplearning4j.nn.gradient.Gradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The memory of one replica of a stage: the copies of the graph for its micro-batches in flight, their working memory, and the
 * sums of its gradients. Parameters are those of the copies.
 *
 * <p>The replica's worker calls all of it, in its thread. Where {@link PipelineMemory#movesWeights} says so, other workers may run
 * its tasks for parameter gradients, one at a time.
 */
public abstract class StageMemory {
    /**
     * The micro-batches of the step that runs, and which copies of the graph they use. Any worker may call it.
     *
     * @param groups of micro-batches that run the last vertices of a stage as one, by micro-batch
     * @param stagesLeft by micro-batch: in how many stages it still has tasks
     */
    record RunningStep(
            CopyAssignment copies,
            List<MicroBatch> microBatches,
            List<MicroBatchGroup> groups,
            AtomicIntegerArray stagesLeft,
            int iteration,
            int epoch) {

        /** Gives a copy its micro-batch. */
        void begin(GraphCopy copy, int microBatch) {
            copy.begin(microBatches.get(microBatch), microBatches.size() > 1, iteration, epoch);
        }

        /** Gives a copy its group of micro-batches. */
        void begin(GraphCopy copy, MicroBatchGroup group) {
            copy.begin(group.examples(), microBatches.size() > 1, iteration, epoch);
        }

        /** A micro-batch has left a stage. Returns whether that was the last one. */
        boolean leaves(int microBatch) {
            return stagesLeft.decrementAndGet(microBatch) == 0;
        }
    }

    private final int stage;
    private final List<GraphCopy> copies;
    private final StageScratch scratch;
    private final StageScratch weightScratch;
    private final StageGradients gradients;
    private final Supplier<RunningStep> running;

    /**
     * @param copies of the graph, which other stages may use, too
     * @param running the step that runs
     */
    StageMemory(
            int stage,
            List<GraphCopy> copies,
            StageScratch scratch,
            StageScratch weightScratch,
            StageGradients gradients,
            Supplier<RunningStep> running) {
        this.stage = stage;
        this.copies = copies;
        this.scratch = scratch;
        this.weightScratch = weightScratch;
        this.gradients = gradients;
        this.running = running;
    }

    /** The stage's number. */
    public final int stage() {
        return stage;
    }

    /** Working memory of its tasks. */
    public final StageScratch scratch() {
        return scratch;
    }

    /** Working memory of its tasks for parameter gradients; another one if these may run at the same time as others. */
    public final StageScratch weightScratch() {
        return weightScratch;
    }

    /** Bytes of working memory, and of what micro-batches leave to later ones. */
    final long scratchBytes() {
        return scratch.bytes() + (weightScratch == scratch ? 0 : weightScratch.bytes()) + gradients.bytesOfRows();
    }

    /** Frees that memory; the next task allocates anew. */
    final void freeScratch() {
        gradients.freeRows();
        scratch.destroy();
        weightScratch.destroy();
    }

    /** Begins a step. */
    public final void beginStep() {
        gradients.begin();
    }

    /** What must be done before a task can start: the tasks whose results it needs, and those that need its copy. */
    public List<Task> dependencies(Task task) {
        return running.get().copies().dependencies(task);
    }

    /** The copy of the graph for a micro-batch's forward task, with what the stage reads. */
    public abstract GraphCopy begin(int microBatch);

    /**
     * The copy that the forward task has used, for a later task. Its gradients go to the sums of this replica.
     *
     * @param turn of the task among those of its pass, in this replica
     */
    public final GraphCopy resume(int microBatch, GradientTurn turn) {
        GraphCopy copy = copy(microBatch);
        gradients.bind(copy, turn);
        return copy;
    }

    /** Adds up what a backward task has left in the copy that {@link #resume} has given. */
    public final void collect(BackwardResult result, boolean first, long examples) {
        gradients.add(result, first, examples);
    }

    /** The same for the gradients that a backward task had left to another. */
    public final void collect(Map<Integer, Gradient> postponed, boolean first) {
        gradients.add(postponed, first);
    }

    /** Runs the stage's last vertices for groups of micro-batches; null if each micro-batch runs them alone. */
    public @Nullable GroupRunner groupRunner() {
        return null;
    }

    /** The group that a micro-batch belongs to. */
    public final MicroBatchGroup group(int microBatch) {
        return running.get().groups().get(microBatch);
    }

    /** The copies of the graph of the group's micro-batches, in order. */
    public final List<GraphCopy> members(MicroBatchGroup group) {
        return group.members().mapToObj(this::copy).toList();
    }

    /** The copy of the graph for a group. */
    GraphCopy copy(MicroBatchGroup group) {
        throw new UnsupportedOperationException("There are no groups");
    }

    /** The copy of the graph for a group's forward task. */
    public final GraphCopy begin(MicroBatchGroup group) {
        GraphCopy copy = copy(group);
        running.get().begin(copy, group);
        return copy;
    }

    /** The same copy for a later task, as {@link #resume(int, GradientTurn)}. */
    public final GraphCopy resume(MicroBatchGroup group, GradientTurn turn) {
        GraphCopy copy = copy(group);
        gradients.bind(copy, turn);
        return copy;
    }

    /** The last task of a group is done. */
    public final void end(MicroBatchGroup group) {
        copy(group).end();
    }

    /** The last task of a micro-batch in this stage is done. */
    public abstract void end(int microBatch);

    /** Whether each replica adds up a share of the sums in the step, when all have theirs. */
    public abstract boolean addsReplicasInStep();

    /** Adds up this replica's share of what the first {@code active} replicas have summed, when all of them have. */
    public abstract void addReplicas(int active);

    /** A copy on the host of what a vertex has put out, for listeners. */
    public abstract INDArray copyToHost(int position, INDArray activation);

    final GraphCopy copy(int microBatch) {
        return copies.get(running.get().copies().of(stage, microBatch));
    }

    final RunningStep running() {
        return running.get();
    }

    final StageGradients gradients() {
        return gradients;
    }
}
