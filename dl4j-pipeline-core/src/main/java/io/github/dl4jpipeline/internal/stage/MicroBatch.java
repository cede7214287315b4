package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.layers.Rows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Some or all examples of a batch. Dimension 0 of every array counts examples.
 *
 * @param features one array for each network input
 * @param labels one array for each network output
 * @param featureMasks mask arrays of the inputs, or null for none
 * @param labelMasks mask arrays of the outputs, or null for none
 * @param first index of the first example in its batch
 * @param examples number of examples
 * @param states what recurrent layers carry from segment to segment; null but in truncated back-propagation through time
 */
@SuppressWarnings("ArrayRecordComponent") // arrays are what Deeplearning4j takes and gives
public record MicroBatch(
        @Nullable INDArray[] features,
        @Nullable INDArray[] labels,
        @Nullable INDArray @Nullable [] featureMasks,
        @Nullable INDArray @Nullable [] labelMasks,
        long first,
        long examples,
        @Nullable RecurrentStates states) {

    static final MicroBatch NONE = new MicroBatch(new INDArray[0], new INDArray[0], null, null, 0, 1, null);

    /** A whole batch. */
    public static MicroBatch whole(
            @Nullable INDArray[] features,
            @Nullable INDArray[] labels,
            @Nullable INDArray @Nullable [] featureMasks,
            @Nullable INDArray @Nullable [] labelMasks) {
        long examples = arrays(features, labels, featureMasks, labelMasks)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("A batch needs features"))
                .size(0);
        return new MicroBatch(features, labels, featureMasks, labelMasks, 0, examples, null);
    }

    /** The same as a segment of sequences whose states are there; null for whole sequences. */
    public MicroBatch with(@Nullable RecurrentStates others) {
        return new MicroBatch(features, labels, featureMasks, labelMasks, first, examples, others);
    }

    /** Whether nothing has been carried over to it from segments before, so that it may be split in another way than these. */
    public boolean beginsSequences() {
        return states == null || states.isEmpty();
    }

    /**
     * Splits this batch into {@code count} micro-batches that differ by at most one example; into fewer if it has fewer
     * examples, or fewer than two for each where {@link #mayHaveMaskOfOneValue} says so; and not at all if its arrays do
     * not all have the same number of examples, as with stacked inputs.
     */
    public List<MicroBatch> split(int count) {
        boolean splittable = arrays(features, labels, featureMasks, labelMasks)
                .allMatch(array -> array.rank() > 0 && array.size(0) == examples);
        long most = mayHaveMaskOfOneValue() ? examples / 2 : examples;
        int parts = splittable ? (int) Math.max(1, Math.min(count, most)) : 1;
        if (parts == 1) {
            return List.of(this);
        }
        List<MicroBatch> microBatches = new ArrayList<>();
        for (int i = 0; i < parts; i++) {
            long from = examples * i / parts;
            long to = examples * (i + 1) / parts;
            microBatches.add(part(from, to));
        }
        return microBatches;
    }

    /** Its examples {@code from} to before {@code to}. */
    MicroBatch part(long from, long to) {
        return new MicroBatch(
                slice(features, from, to),
                slice(labels, from, to),
                featureMasks == null ? null : slice(featureMasks, from, to),
                labelMasks == null ? null : slice(labelMasks, from, to),
                first + from,
                to - from,
                states);
    }

    /**
     * Whether a mask may hold a single value where a micro-batch has one example. Deeplearning4j takes a mask of shape
     * {@code [1, 1]} for one of single outputs: losses apply it twice or refuse it, and some preprocessors refuse it. Masks of
     * labels are used as they are. Masks of features change their shape on the way. The YOLO layer makes a mask with a value
     * for each place of the labels.
     */
    private boolean mayHaveMaskOfOneValue() {
        return arrays(featureMasks).findAny().isPresent()
                || arrays(labelMasks).anyMatch(mask -> mask.length() == examples)
                || arrays(labels).anyMatch(label -> label.rank() == 4 && label.size(2) * label.size(3) == 1);
    }

    /** Its examples in the batch. */
    public Rows.Range range() {
        return new Rows.Range(first, first + examples);
    }

    /** The same examples in contiguous arrays of their own, allocated in the current workspace. */
    public MicroBatch copy() {
        return new MicroBatch(
                copy(features),
                copy(labels),
                featureMasks == null ? null : copy(featureMasks),
                labelMasks == null ? null : copy(labelMasks),
                first,
                examples,
                states);
    }

    private static Stream<INDArray> arrays(@Nullable INDArray @Nullable []... groups) {
        return Stream.of(groups)
                .filter(Objects::nonNull)
                .flatMap(Arrays::stream)
                .filter(Objects::nonNull);
    }

    private static @Nullable INDArray[] slice(@Nullable INDArray[] arrays, long from, long to) {
        return Arrays.stream(arrays)
                .map(array -> array == null ? null : Rows.of(array, from, to))
                .toArray(INDArray[]::new);
    }

    /**
     * The same examples with some arrays copied.
     *
     * @param features which features, by network input
     * @param labels which labels, by network output
     * @param copier copies an array; every mask is copied
     */
    MicroBatch copy(IntPredicate features, IntPredicate labels, UnaryOperator<INDArray> copier) {
        return new MicroBatch(
                copy(this.features, features, copier),
                copy(this.labels, labels, copier),
                featureMasks == null ? null : copy(featureMasks, input -> true, copier),
                labelMasks == null ? null : copy(labelMasks, output -> true, copier),
                first,
                examples,
                states);
    }

    private static @Nullable INDArray[] copy(@Nullable INDArray[] arrays) {
        return copy(arrays, index -> true, array -> array.dup(array.ordering()));
    }

    private static @Nullable INDArray[] copy(
            @Nullable INDArray[] arrays, IntPredicate which, UnaryOperator<INDArray> copier) {
        @Nullable INDArray[] copies = arrays.clone();
        for (int i = 0; i < copies.length; i++) {
            INDArray array = copies[i];
            if (array != null && which.test(i)) {
                copies[i] = copier.apply(array);
            }
        }
        return copies;
    }
}
