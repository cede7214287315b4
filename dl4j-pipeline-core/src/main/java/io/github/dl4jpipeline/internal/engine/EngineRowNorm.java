package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.ChannelValues;
import io.github.dl4jpipeline.internal.onednn.Layout;
import java.util.Map;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.feedforward.dense.DenseLayer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a dense layer with layer normalization does to its products: it normalizes each row, and adds the bias. It overwrites them. */
final class EngineRowNorm extends EngineLayer {
    private final DenseLayer layer;
    private final RowNorm rows;

    private @Nullable Layout layout;
    private @Nullable INDArray normalized;

    EngineRowNorm(DenseLayer layer) {
        this.layer = layer;
        this.rows = new RowNorm((int) gain().length());
    }

    private INDArray gain() {
        return layer.getParam(DefaultParamInitializer.GAIN_KEY);
    }

    /** Null where Deeplearning4j divides what rounding has left of a row of equal numbers by zero. */
    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        layout = inputs[0].layout();
        normalized = inputs[0].values();
        if (!rows.normalize(normalized)) {
            return null;
        }
        INDArray output = space.activation(normalized.length());
        INDArray bias = layer.hasBias() ? layer.getParam(DefaultParamInitializer.BIAS_KEY) : null;
        rows.scale(normalized, gain(), bias, output);
        return new Value(output, layout);
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        INDArray errors = error(error, layout, space);
        rows.backward(normalized, gain(), errors);
        return new Value[] {new Value(errors, layout)};
    }

    @Override
    public boolean hasGradient() {
        return true;
    }

    @Override
    public Gradient gradient(Map<String, INDArray> views, boolean add, Space space) {
        Gradient gradient = new DefaultGradient();
        write(DefaultParamInitializer.GAIN_KEY, rows.gainGradient(), views, add, space, gradient);
        if (layer.hasBias()) {
            write(DefaultParamInitializer.BIAS_KEY, rows.biasGradient(), views, add, space, gradient);
        }
        return gradient;
    }

    private static void write(
            String name, double[] values, Map<String, INDArray> views, boolean add, Space space, Gradient gradient) {
        INDArray view = views.get(name);
        write(view, add, space, floats -> ChannelValues.write(values, floats));
        gradient.setGradientFor(name, view);
    }

    @Override
    public void clear() {
        layout = null;
        normalized = null;
    }
}
