package io.github.dl4jpipeline.kernel;

import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;

/** Replaces the noise in a layer's configuration by noise that a {@link NoiseSource} seeds. */
final class Noise {
    private Noise() {}

    /** Changes {@code conf}, which must belong to one replica alone. */
    static void replaceIn(Layer conf, String vertex, NoiseSource source) {
        if (conf instanceof BaseWrapperLayer wrapper) {
            replaceIn(wrapper.getUnderlying(), vertex, source);
        } else if (conf instanceof Bidirectional both) {
            replaceIn(both.getFwd(), vertex + "-forward", source);
            replaceIn(both.getBwd(), vertex + "-backward", source);
        }
        if (conf.getIDropout() != null) {
            conf.setIDropout(new ExampleDropout(conf.getIDropout(), vertex, source));
        }
        if (conf instanceof BaseLayer layer && layer.getWeightNoise() != null) {
            layer.setWeightNoise(new StepWeightNoise(layer.getWeightNoise(), vertex, source));
        }
    }
}
