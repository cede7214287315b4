package io.github.dl4jpipeline.internal.stage;

import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.conf.weightnoise.IWeightNoise;

/** Replaces the noise in a layer's configuration by noise that a {@link NoiseSource} seeds. */
public final class Noise {
    private Noise() {}

    /** Changes {@code conf}, which must belong to one copy alone. */
    public static void replaceIn(Layer conf, String vertex, NoiseSource source) {
        replaceIn(conf, vertex, source, false);
    }

    /** The same; the layer of {@code conf} computes in double, and meets the noise of the same layer in float. */
    static void replaceByThatOfFloat(Layer conf, String vertex, NoiseSource source) {
        replaceIn(conf, vertex, source, true);
    }

    private static void replaceIn(Layer conf, String vertex, NoiseSource source, boolean ofFloat) {
        if (conf instanceof BaseWrapperLayer wrapper) {
            replaceIn(wrapper.getUnderlying(), vertex, source, ofFloat);
        } else if (conf instanceof Bidirectional both) {
            replaceIn(both.getFwd(), vertex + "-forward", source, ofFloat);
            replaceIn(both.getBwd(), vertex + "-backward", source, ofFloat);
        }
        if (conf.getIDropout() != null) {
            IDropout dropout = new ExampleDropout(conf.getIDropout(), vertex, source);
            conf.setIDropout(ofFloat ? new FloatNoise.OfInput(dropout) : dropout);
        }
        if (conf instanceof BaseLayer layer && layer.getWeightNoise() != null) {
            IWeightNoise noise = new StepWeightNoise(layer.getWeightNoise(), vertex, source);
            layer.setWeightNoise(ofFloat ? new FloatNoise.OfWeights(noise) : noise);
        }
    }

    /**
     * Whether noise on a layer's input, replaced before, leaves signs and zeros as they are, but for elements whose error it
     * sets to zero. Of a ReLU before it, whose derivative follows from its output, it may then overwrite the output.
     */
    static boolean keepsSigns(Layer conf) {
        if (conf instanceof BaseWrapperLayer wrapper && !keepsSigns(wrapper.getUnderlying())) {
            return false;
        }
        if (conf instanceof Bidirectional both && !(keepsSigns(both.getFwd()) && keepsSigns(both.getBwd()))) {
            return false;
        }
        IDropout dropout = conf.getIDropout();
        return dropout == null || (dropout instanceof ExampleDropout ofExamples && ofExamples.isMask());
    }
}
