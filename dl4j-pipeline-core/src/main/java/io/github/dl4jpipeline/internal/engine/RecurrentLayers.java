package io.github.dl4jpipeline.internal.engine;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.AbstractLSTM;
import org.deeplearning4j.nn.conf.layers.BaseRecurrentLayer;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.layers.recurrent.BidirectionalLayer;
import org.deeplearning4j.nn.layers.recurrent.LastTimeStepLayer;
import org.deeplearning4j.nn.params.BidirectionalParamInitializer;
import org.jspecify.annotations.Nullable;

/** Which recurrent layers, and which layers around them, the engine runs. */
@SuppressWarnings("deprecation") // of GravesLSTM, which users still have
final class RecurrentLayers {
    private final String vertex;
    private final Layer layer;
    private final PackedWeights packed;

    private RecurrentLayers(String vertex, Layer layer, PackedWeights packed) {
        this.vertex = vertex;
        this.layer = layer;
        this.packed = packed;
    }

    /** The code of the layer of a vertex; null if it is none of these. */
    static @Nullable EngineLayer of(String vertex, Layer layer, PackedWeights packed) {
        RecurrentLayers layers = new RecurrentLayers(vertex, layer, packed);
        org.deeplearning4j.nn.conf.layers.Layer conf = layer.conf().getLayer(); // of what is inside a wrapper
        RNNFormat format = format(conf);
        if (format == null) {
            return null;
        }
        if (layer.getClass() == LastTimeStepLayer.class) {
            EngineLayer inside = layers.of(conf, format);
            return inside == null ? null : new EngineLastStep(inside, format);
        }
        boolean isRecurrent = layer instanceof org.deeplearning4j.nn.layers.recurrent.BaseRecurrentLayer
                || layer.getClass() == BidirectionalLayer.class;
        return isRecurrent ? layers.of(conf, format) : null;
    }

    private static @Nullable RNNFormat format(org.deeplearning4j.nn.conf.layers.Layer conf) {
        org.deeplearning4j.nn.conf.layers.Layer inside = conf instanceof Bidirectional both ? both.getFwd() : conf;
        return inside instanceof BaseRecurrentLayer recurrent ? recurrent.getRnnDataFormat() : null;
    }

    private @Nullable EngineLayer of(org.deeplearning4j.nn.conf.layers.Layer conf, RNNFormat format) {
        if (conf.getClass() != Bidirectional.class) {
            return one(conf, "", false);
        }
        Bidirectional both = (Bidirectional) conf;
        EngineRecurrent<?> forward = one(both.getFwd(), BidirectionalParamInitializer.FORWARD_PREFIX, false);
        EngineRecurrent<?> backward = one(both.getBwd(), BidirectionalParamInitializer.BACKWARD_PREFIX, true);
        return forward == null || backward == null
                ? null
                : new EngineBidirectional(forward, backward, both.getMode(), format);
    }

    private @Nullable EngineRecurrent<?> one(
            org.deeplearning4j.nn.conf.layers.Layer conf, String prefix, boolean reversed) {
        Class<?> kind = conf.getClass(); // subclasses may compute something else
        boolean isOne = kind == LSTM.class || kind == GravesLSTM.class || kind == SimpleRnn.class;
        if (!isOne) {
            return null;
        }
        BaseRecurrentLayer recurrent = (BaseRecurrentLayer) conf;
        boolean plain = recurrent.getIDropout() == null
                && recurrent.getWeightNoise() == null
                && UnitFunction.isKnown(recurrent.getActivationFn());
        if (!plain) {
            return null;
        }
        RNNFormat format = recurrent.getRnnDataFormat();
        if (conf instanceof SimpleRnn simple) {
            RecurrentWeights weights = weights(recurrent, prefix, 1, 0);
            return simple.hasLayerNorm()
                    ? null
                    : new EngineSimpleRnn(weights, format, reversed, recurrent.getActivationFn());
        }
        AbstractLSTM lstm = (AbstractLSTM) conf;
        boolean peepholes = kind == GravesLSTM.class;
        RecurrentWeights weights = weights(recurrent, prefix, EngineLstm.GATES, peepholes ? EngineLstm.PEEPHOLES : 0);
        return UnitFunction.isKnown(lstm.getGateActivationFn())
                ? new EngineLstm(
                        weights, format, reversed, lstm.getActivationFn(), lstm.getGateActivationFn(), peepholes)
                : null;
    }

    private RecurrentWeights weights(BaseRecurrentLayer conf, String prefix, int gates, int peepholes) {
        return new RecurrentWeights(
                vertex,
                prefix,
                name -> layer.getParam(prefix + name),
                conf.getNIn(),
                conf.getNOut(),
                gates,
                peepholes,
                packed);
    }
}
