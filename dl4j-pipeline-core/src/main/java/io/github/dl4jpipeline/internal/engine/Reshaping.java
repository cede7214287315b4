package io.github.dl4jpipeline.internal.engine;

import java.util.Arrays;
import java.util.function.IntSupplier;
import java.util.function.LongFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The same values in another shape: with dimensions in another order, then read in row-major order, then in another order again. */
final class Reshaping {
    static final Reshaping NONE = new Reshaping(null, shape -> shape, null);

    /** Maps with channels last, as if they were first. */
    static final Reshaping TO_CHANNELS_FIRST = new Reshaping(new int[] {0, 3, 1, 2}, shape -> shape, null);

    static final Reshaping TO_CHANNELS_LAST = new Reshaping(new int[] {0, 2, 3, 1}, shape -> shape, null);

    /** Sequences as maps whose height is 1. */
    static final Reshaping TO_MAPS =
            new Reshaping(null, shape -> shape.length == 3 ? new long[] {shape[0], shape[1], 1, shape[2]} : null, null);

    /** Such maps as sequences. */
    static final Reshaping TO_SEQUENCES = new Reshaping(null, shape -> new long[] {shape[0], shape[1], shape[3]}, null);

    private final int @Nullable [] order;
    private final UnaryOperator<long @Nullable []> shape;
    private final int @Nullable [] after;

    private Reshaping(int @Nullable [] order, UnaryOperator<long @Nullable []> shape, int @Nullable [] after) {
        this.order = order;
        this.shape = shape;
        this.after = after;
    }

    /**
     * What a preprocessor does.
     *
     * @param examples how many there are
     * @return null if it does anything else
     */
    static @Nullable Reshaping of(InputPreProcessor preprocessor, IntSupplier examples) {
        Class<?> kind = preprocessor.getClass(); // subclasses may compute something else
        if (kind == CnnToFeedForwardPreProcessor.class) {
            return ofMaps((CnnToFeedForwardPreProcessor) preprocessor);
        }
        if (kind == FeedForwardToCnnPreProcessor.class) {
            return toMaps((FeedForwardToCnnPreProcessor) preprocessor);
        }
        if (kind == RnnToFeedForwardPreProcessor.class) {
            RNNFormat format = ((RnnToFeedForwardPreProcessor) preprocessor).getRnnDataFormat();
            return new Reshaping( // all examples of the first step, then of the second
                    format == RNNFormat.NCW ? new int[] {2, 0, 1} : new int[] {1, 0, 2},
                    shape -> new long[] {shape[0] * shape[1], shape[2]},
                    null);
        }
        if (kind == FeedForwardToRnnPreProcessor.class) {
            RNNFormat format = ((FeedForwardToRnnPreProcessor) preprocessor).getRnnDataFormat();
            return new Reshaping(
                    new int[] {0, 1},
                    shape -> {
                        long count = examples.getAsInt();
                        return shape[0] % count == 0 ? new long[] {shape[0] / count, count, shape[1]} : null;
                    },
                    format == RNNFormat.NCW ? new int[] {1, 2, 0} : new int[] {1, 0, 2});
        }
        return null;
    }

    private static Reshaping ofMaps(CnnToFeedForwardPreProcessor maps) {
        long channels = maps.getNumChannels();
        long height = maps.getInputHeight();
        long width = maps.getInputWidth();
        long[] wanted = maps.getFormat() == CNN2DFormat.NCHW
                ? new long[] {channels, height, width}
                : new long[] {height, width, channels};
        boolean any = channels == 0 && height == 0 && width == 0;
        return new Reshaping(
                null,
                shape -> {
                    boolean fits = shape.length == 4 && (any || Arrays.equals(Arrays.copyOfRange(shape, 1, 4), wanted));
                    return fits ? new long[] {shape[0], shape[1] * shape[2] * shape[3]} : null;
                },
                null);
    }

    private static Reshaping toMaps(FeedForwardToCnnPreProcessor maps) {
        long channels = maps.getNumChannels();
        long height = maps.getInputHeight();
        long width = maps.getInputWidth();
        return new Reshaping(
                null,
                shape -> shape.length == 2 && shape[1] == channels * height * width
                        ? new long[] {shape[0], channels, height, width}
                        : null,
                null);
    }

    /**
     * The values in their other shape. Floats stay where they are, if they can.
     *
     * @param memory for the floats, if they cannot
     * @return null for values that this is not for
     */
    @Nullable Value apply(Value value, Reorders reorders, Space space, LongFunction<INDArray> memory) {
        boolean fits =
                value.values().dataType() == DataType.FLOAT && (order == null || order.length == value.shape().length);
        if (!fits) {
            return null;
        }
        Value ordered = permuted(value, order);
        long[] result = shape.apply(ordered.shape());
        if (result == null) {
            return null;
        }
        Value reshaped =
                Arrays.equals(result, ordered.shape()) ? ordered : reorders.reshaped(ordered, result, space, memory);
        return permuted(reshaped, after);
    }

    private static Value permuted(Value value, int @Nullable [] order) {
        return order == null ? value : value.permuted(order);
    }

    /** The way back from what values of a shape become; other shapes may come if only the order of dimensions changes. */
    Reshaping back(long[] from) {
        long[] ordered = order == null
                ? from.clone()
                : Arrays.stream(order).mapToLong(i -> from[i]).toArray();
        boolean keepsShape = Arrays.equals(ordered, shape.apply(ordered));
        return new Reshaping(back(after), result -> keepsShape ? result : ordered, back(order));
    }

    private static int @Nullable [] back(int @Nullable [] order) {
        if (order == null) {
            return null;
        }
        int[] back = new int[order.length];
        IntStream.range(0, order.length).forEach(i -> back[order[i]] = i);
        return back;
    }
}
