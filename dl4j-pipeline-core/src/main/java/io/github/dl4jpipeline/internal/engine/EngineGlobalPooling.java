package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Pooling;
import java.util.Arrays;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The maximum, mean or sum of each whole map with channels first, or of the last dimension of sequences: a row for each example. */
final class EngineGlobalPooling extends EngineLayer {
    private static final int RANK_OF_SEQUENCES = 3;

    private final EnginePooling pooling;

    /** Whether the sum is wanted, not the mean. */
    private final boolean sums;

    private final boolean takesSequences;
    private boolean ofSequences;
    private long places;

    private EngineGlobalPooling(Pooling.Kind kind, boolean sums, boolean takesSequences) {
        pooling = EnginePooling.ofWholeMaps(kind);
        this.sums = sums;
        this.takesSequences = takesSequences;
    }

    /** Null if this does not do it. */
    static @Nullable EngineLayer of(GlobalPoolingLayer layer) {
        int[] dimensions = layer.getPoolingDimensions();
        boolean any = dimensions == null;
        boolean channelsFirst = any || Arrays.equals(dimensions, new int[] {2, 3});
        boolean channelsLast = Arrays.equals(dimensions, new int[] {1, 2});
        if (!(channelsFirst || channelsLast) || !layer.isCollapseDimensions()) {
            return null;
        }
        EngineGlobalPooling pooling =
                switch (layer.getPoolingType()) {
                    case MAX -> new EngineGlobalPooling(Pooling.Kind.MAX, false, any);
                    case AVG -> new EngineGlobalPooling(Pooling.Kind.AVERAGE, false, any);
                    case SUM -> new EngineGlobalPooling(Pooling.Kind.AVERAGE, true, any);
                    default -> null;
                };
        return pooling == null || channelsFirst
                ? pooling
                : new EngineReshaped(Reshaping.TO_CHANNELS_FIRST, pooling, Reshaping.NONE);
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        if (inputs[0].isArray()) {
            return null; // for which there is no gain
        }
        ofSequences = takesSequences && inputs[0].shape().length == RANK_OF_SEQUENCES;
        if (ofSequences && !Finite.is(inputs[0].values())) {
            return null; // oneDNN's maximum leaves out NaN
        }
        Value maps = ofSequences ? Reshaping.TO_MAPS.apply(inputs[0], reorders(), space, space::activation) : inputs[0];
        Value pooled = maps == null ? null : pooling.forward(new Value[] {maps}, training, space);
        if (pooled == null) {
            return null;
        }
        long[] shape = pooled.shape();
        INDArray rows = activation(pooled, Layout.rowMajor(shape), space);
        places = maps.shape()[2] * maps.shape()[3];
        if (sums) {
            rows.muli(places);
        }
        return new Value(rows, Layout.rowMajor(shape[0], shape[1]));
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        long[] shape = error.shape();
        INDArray rows = error(error, Layout.rowMajor(shape), space);
        if (sums) {
            rows.muli(places);
        }
        Value ofPooled = new Value(rows, Layout.rowMajor(shape[0], shape[1], 1, 1));
        @Nullable Value[] errors = pooling.backward(ofPooled, wanted, postponed, space);
        if (ofSequences && errors[0] != null) {
            errors[0] = Reshaping.TO_SEQUENCES.apply(errors[0], reorders(), space, space::error);
        }
        return errors;
    }

    @Override
    public void clear() {
        pooling.clear();
    }

    @Override
    public void close() {
        super.close();
        pooling.close();
    }
}
