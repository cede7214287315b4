package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.engine.Value;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * The memory of a group of micro-batches in flight, whose last vertices count as a stage of their own. What these read, and the errors
 * of that, are with what the group brings.
 */
public final class GroupMemory extends MicroBatchMemory {
    private final UnaryOperator<ComputationGraph> copier;

    /**
     * As for {@link MicroBatchMemory}.
     *
     * @param copier copies the graph, with parameters where those of the stage are
     */
    private GroupMemory(ComputationGraph original, int[] stageOf, String name, UnaryOperator<ComputationGraph> copier) {
        super(original, stageOf, name);
        this.copier = copier;
    }

    /** With the parameters of the graph. */
    public static GroupMemory shared(ComputationGraph original, int[] stageOf, String name) {
        return new GroupMemory(original, stageOf, name, GraphCopier::sharingParameters);
    }

    /** With the parameters of a stage that has its own. */
    public static GroupMemory at(
            ComputationGraph original, int[] stageOf, String name, DeviceMicroBatchMemory.Place place) {
        return new GroupMemory(original, stageOf, name, place::copyOf);
    }

    @Override
    ComputationGraph copyOf(ComputationGraph original) {
        return copier.apply(original);
    }

    /** Only labels are read; features tell their shapes. */
    @Override
    MicroBatch receive(MicroBatch next, boolean partOfBatch) {
        return partOfBatch ? next.copy(feature -> false, label -> true, array -> array.dup(array.ordering())) : next;
    }

    @Override
    Value errorForOther(int position, Value error, int fromStage) {
        return error.copy(input()::copyOf);
    }

    @Override
    long bytes(int stage) {
        return super.bytes(stage) + input().bytes();
    }
}
