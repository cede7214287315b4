package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Cuts the sequences of a batch into segments for truncated back-propagation through time, as Deeplearning4j does. */
final class Sequences {
    private Sequences() {}

    /**
     * What is trained step by step: the segments, as views of the batch, or the batch itself where sequences are whole.
     *
     * @throws IllegalArgumentException if the batch has sequences of different lengths, or none
     */
    static List<MicroBatch> segments(ComputationGraphConfiguration configuration, MicroBatch batch) {
        if (!areCut(configuration)) {
            return List.of(batch);
        }
        long steps = steps(batch);
        long most = configuration.getTbpttFwdLength();
        List<MicroBatch> segments = new ArrayList<>();
        for (long from = 0; from < steps; from += most) {
            segments.add(segment(batch, from, Math.min(steps, from + most)));
        }
        return segments;
    }

    /** Whether a graph is trained so. */
    static boolean areCut(ComputationGraphConfiguration configuration) {
        return configuration.getBackpropType() == BackpropType.TruncatedBPTT;
    }

    private static long steps(MicroBatch batch) {
        List<Long> steps = Stream.concat(Arrays.stream(batch.features()), Arrays.stream(batch.labels()))
                .filter(array -> array != null && array.rank() == 3)
                .map(array -> array.size(2))
                .distinct()
                .toList();
        if (steps.size() != 1) {
            throw new IllegalArgumentException(
                    "Truncated backpropagation through time needs sequences of one length in a batch, but this one has "
                            + (steps.isEmpty() ? "no sequences" : "lengths " + steps));
        }
        return steps.get(0);
    }

    private static MicroBatch segment(MicroBatch batch, long from, long to) {
        return new MicroBatch(
                Objects.requireNonNull(cut(batch.features(), 3, from, to)),
                Objects.requireNonNull(cut(batch.labels(), 3, from, to)),
                cut(batch.featureMasks(), 2, from, to),
                cut(batch.labelMasks(), 2, from, to),
                batch.first(),
                batch.examples(),
                null);
    }

    /** @param rank of the arrays with time as their last dimension; others are the same for all segments */
    private static @Nullable INDArray @Nullable [] cut(
            @Nullable INDArray @Nullable [] arrays, int rank, long from, long to) {
        return arrays == null
                ? null
                : Arrays.stream(arrays)
                        .map(array -> array == null || array.rank() != rank ? array : cut(array, from, to))
                        .toArray(INDArray[]::new);
    }

    private static INDArray cut(INDArray array, long from, long to) {
        return array.rank() == 3
                ? array.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(from, to))
                : array.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to));
    }
}
