package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.engine.Value;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * The memory of a group of micro-batches in flight, whose last vertices count as a stage of their own. What these read, and the errors
 * of that, are with what the group brings.
 */
public final class GroupMemory extends MicroBatchMemory {
    /** As for {@link MicroBatchMemory}. */
    public GroupMemory(ComputationGraph original, int[] stageOf, String name) {
        super(original, stageOf, name);
    }

    /** Only labels are read; features tell their shapes. */
    @Override
    MicroBatch receive(MicroBatch next, boolean partOfBatch) {
        return partOfBatch ? next.copy(feature -> false, label -> true, array -> array.dup(array.ordering())) : next;
    }

    @Override
    Value errorForOther(int position, Value error) {
        return error.copy(input()::copyOf);
    }

    @Override
    long bytes(int stage) {
        return super.bytes(stage) + input().bytes();
    }
}
