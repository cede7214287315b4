package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.internal.schedule.CopyAssignment;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;

/** The micro-batches of one step, and which copies of the graph they use. Any worker may call it. */
final class StepBatches {
    private final CopyAssignment copies;
    private final List<MicroBatch> microBatches;
    private final int iteration;
    private final int epoch;

    /** By micro-batch: in how many stages it still has tasks. */
    private final AtomicIntegerArray stagesLeft;

    StepBatches(CopyAssignment copies, List<MicroBatch> microBatches, int stages, int iteration, int epoch) {
        this.copies = copies;
        this.microBatches = microBatches;
        this.iteration = iteration;
        this.epoch = epoch;
        this.stagesLeft = new AtomicIntegerArray(
                IntStream.range(0, microBatches.size()).map(i -> stages).toArray());
    }

    CopyAssignment copies() {
        return copies;
    }

    /** Gives a copy its micro-batch. */
    void begin(GraphCopy copy, int microBatch) {
        copy.begin(microBatches.get(microBatch), microBatches.size() > 1, iteration, epoch);
    }

    /** A micro-batch has left a stage. Returns whether that was the last one. */
    boolean leaves(int microBatch) {
        return stagesLeft.decrementAndGet(microBatch) == 0;
    }
}
