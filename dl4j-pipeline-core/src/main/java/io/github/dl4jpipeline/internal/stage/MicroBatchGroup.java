package io.github.dl4jpipeline.internal.stage;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Micro-batches, one after another, that run the last vertices of a stage as one.
 *
 * @param first the first of them
 * @param last the last of them
 * @param examples of all
 */
public record MicroBatchGroup(int first, int last, MicroBatch examples) {
    /**
     * The groups of a batch: so many micro-batches each, the last one what is left. With masks, each micro-batch is alone.
     *
     * @param microBatches of the batch
     * @return by micro-batch
     */
    public static List<MicroBatchGroup> of(int size, MicroBatch batch, List<MicroBatch> microBatches) {
        int each = batch.featureMasks() == null && batch.labelMasks() == null ? size : 1;
        List<MicroBatchGroup> groups = new ArrayList<>();
        for (int i = 0; i < microBatches.size(); i++) {
            int first = i - i % each;
            int last = Math.min(first + each, microBatches.size()) - 1;
            groups.add(i > first ? groups.get(first) : of(first, last, batch, microBatches));
        }
        return groups;
    }

    private static MicroBatchGroup of(int first, int last, MicroBatch batch, List<MicroBatch> microBatches) {
        MicroBatch from = microBatches.get(first);
        MicroBatch to = microBatches.get(last);
        return new MicroBatchGroup(
                first, last, first == last ? from : batch.part(from.first(), to.first() + to.examples()));
    }

    /** Its micro-batches. */
    public IntStream members() {
        return IntStream.rangeClosed(first, last);
    }
}
