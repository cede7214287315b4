package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Pooling;
import java.util.Arrays;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The maximum, mean or sum of each whole map with channels first: a row for each example. */
final class EngineGlobalPooling extends EngineLayer {
    private final EnginePooling pooling;

    /** Whether the sum is wanted, not the mean. */
    private final boolean sums;

    private long places;

    private EngineGlobalPooling(Pooling.Kind kind, boolean sums) {
        pooling = EnginePooling.ofWholeMaps(kind);
        this.sums = sums;
    }

    /** Null if this does not do it. */
    static @Nullable EngineLayer of(GlobalPoolingLayer layer) {
        int[] dimensions = layer.getPoolingDimensions();
        boolean channelsFirst = dimensions == null || Arrays.equals(dimensions, new int[] {2, 3});
        boolean channelsLast = Arrays.equals(dimensions, new int[] {1, 2});
        if (!(channelsFirst || channelsLast) || !layer.isCollapseDimensions()) {
            return null;
        }
        EngineGlobalPooling pooling =
                switch (layer.getPoolingType()) {
                    case MAX -> new EngineGlobalPooling(Pooling.Kind.MAX, false);
                    case AVG -> new EngineGlobalPooling(Pooling.Kind.AVERAGE, false);
                    case SUM -> new EngineGlobalPooling(Pooling.Kind.AVERAGE, true);
                    default -> null;
                };
        return pooling == null || channelsFirst
                ? pooling
                : new EngineReshaped(Reshaping.TO_CHANNELS_FIRST, pooling, Reshaping.NONE);
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Value pooled = inputs[0].isArray() ? null : pooling.forward(inputs, training, space);
        if (pooled == null) {
            return null;
        }
        long[] shape = pooled.shape();
        INDArray rows = activation(pooled, Layout.rowMajor(shape), space);
        long[] maps = inputs[0].shape();
        places = maps[2] * maps[3];
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
        return pooling.backward(new Value(rows, Layout.rowMajor(shape[0], shape[1], 1, 1)), wanted, postponed, space);
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
