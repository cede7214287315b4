package io.github.dl4jpipeline.internal.engine;

import java.util.Map;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A convolution of each channel on its own, and one of all channels at each place behind it. */
final class EngineSeparable extends EngineLayer {
    private static final boolean[] WANTED = {true};

    private final EngineConvolution ofChannels;
    private final EngineConvolution ofPlaces;

    EngineSeparable(EngineConvolution ofChannels, EngineConvolution ofPlaces) {
        this.ofChannels = ofChannels;
        this.ofPlaces = ofPlaces;
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Value between = ofChannels.forward(inputs, training, space);
        return between == null ? null : ofPlaces.forward(new Value[] {between}, training, space);
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        Value between = ofPlaces.backward(error, WANTED, postponed, space)[0];
        return ofChannels.backward(between, wanted, postponed, space);
    }

    @Override
    public boolean hasGradient() {
        return true;
    }

    @Override
    public Gradient gradient(Map<String, INDArray> views, boolean add, Space space) {
        Gradient all = new DefaultGradient();
        for (EngineConvolution part : new EngineConvolution[] {ofChannels, ofPlaces}) {
            Gradient own = part.gradient(views, add, space);
            own.gradientForVariable()
                    .forEach((name, array) -> all.setGradientFor(name, array, own.flatteningOrderForVariable(name)));
        }
        return all;
    }

    @Override
    public void clear() {
        ofChannels.clear();
        ofPlaces.clear();
    }

    @Override
    public void close() {
        super.close();
        ofChannels.close();
        ofPlaces.close();
    }
}
