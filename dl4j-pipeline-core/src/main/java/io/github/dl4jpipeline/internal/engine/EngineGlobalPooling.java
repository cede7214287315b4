package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Pooling;
import java.util.Arrays;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The maximum or mean of each whole map with channels first: a row for each example. */
final class EngineGlobalPooling extends EngineLayer {
    private final EnginePooling pooling;

    private EngineGlobalPooling(Pooling.Kind kind) {
        pooling = EnginePooling.ofWholeMaps(kind);
    }

    /** Null if this does not do it. */
    static @Nullable EngineGlobalPooling of(GlobalPoolingLayer layer) {
        int[] dimensions = layer.getPoolingDimensions();
        boolean ofMaps = dimensions == null || Arrays.equals(dimensions, new int[] {2, 3});
        if (!ofMaps || !layer.isCollapseDimensions()) {
            return null;
        }
        return switch (layer.getPoolingType()) {
            case MAX -> new EngineGlobalPooling(Pooling.Kind.MAX);
            case AVG -> new EngineGlobalPooling(Pooling.Kind.AVERAGE);
            default -> null;
        };
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Value pooled = inputs[0].isArray() ? null : pooling.forward(inputs, training, space);
        if (pooled == null) {
            return null;
        }
        long[] shape = pooled.shape();
        INDArray rows = activation(pooled, Layout.rowMajor(shape), space);
        return new Value(rows, Layout.rowMajor(shape[0], shape[1]));
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        long[] shape = error.shape();
        INDArray rows = error(error, Layout.rowMajor(shape), space);
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
