package io.github.dl4jpipeline.branch;

import java.util.Set;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution2D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.Pooling2D;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnnPreProcessor;
import org.jspecify.annotations.Nullable;

/**
 * Adapts one layer to a narrower input, and makes it narrower itself. Layer objects are changed; they are to be copies.
 *
 * <p>Errors are {@link IllegalArgumentException}s whose messages go on after the name of the layer.
 */
final class LayerNarrowing {
    /** Layers with a width of their own. */
    private static final Set<Class<?>> WEIGHTED =
            Set.of(ConvolutionLayer.class, Convolution2D.class, DenseLayer.class, OutputLayer.class);

    /** Layers that treat channels alike, however many there are. */
    private static final Set<Class<?>> CHANNELWISE = Set.of(
            SubsamplingLayer.class,
            Pooling2D.class,
            GlobalPoolingLayer.class,
            LocalResponseNormalization.class,
            ActivationLayer.class,
            DropoutLayer.class,
            ZeroPaddingLayer.class,
            Cropping2D.class,
            Upsampling2D.class,
            LossLayer.class);

    private LayerNarrowing() {}

    static boolean isWeighted(Layer layer) {
        return WEIGHTED.contains(layer.getClass());
    }

    static boolean isPooling(Layer layer) {
        return layer instanceof GlobalPoolingLayer || layer instanceof SubsamplingLayer;
    }

    static boolean isChannelwise(Layer layer) {
        return CHANNELWISE.contains(layer.getClass());
    }

    /** Adapts a layer to its input; its own width stays. Returns the width of its output. */
    static Width adapt(Layer layer, Width input) {
        if (layer instanceof BatchNormalization normalization && layer.getClass() == BatchNormalization.class) {
            requireSizes(normalization);
            normalization.setNIn(input.scale(normalization.getNIn()));
            normalization.setNOut(input.scale(normalization.getNOut()));
            return input;
        }
        if (isChannelwise(layer)) {
            return input;
        }
        if (!isWeighted(layer)) {
            throw new IllegalArgumentException(
                    "layers of class " + layer.getClass().getSimpleName()
                            + " cannot be narrowed; known are convolutions, dense layers, batch and local response normalization,"
                            + " pooling, padding, activations and dropout");
        }
        requireChannelsFirst(layer);
        FeedForwardLayer weighted = (FeedForwardLayer) layer;
        requireSizes(weighted);
        weighted.setNIn(input.scale(weighted.getNIn()));
        return new Width(weighted.getNOut(), weighted.getNOut());
    }

    /** Adapts a layer to its input and narrows it. Returns the width of its output. */
    static Width narrow(Layer layer, Width input, Narrowing narrowing) {
        Width own = adapt(layer, input);
        if (!isWeighted(layer)) {
            return own;
        }
        long narrow = narrowing.narrow(own.from());
        ((FeedForwardLayer) layer).setNOut(narrow);
        return new Width(own.from(), narrow);
    }

    private static void requireSizes(FeedForwardLayer layer) {
        if (layer.getNIn() <= 0 || layer.getNOut() <= 0) {
            throw new IllegalArgumentException("its sizes are not known, nIn is " + layer.getNIn() + " and nOut "
                    + layer.getNOut() + "; build the configuration with setInputTypes");
        }
    }

    private static void requireChannelsFirst(Layer layer) {
        if (layer instanceof ConvolutionLayer convolution && convolution.getCnn2dDataFormat() == CNN2DFormat.NHWC) {
            throw new IllegalArgumentException("its data format is NHWC; build the network with NCHW");
        }
    }

    /** Adapts a preprocessor, which is to be a copy. */
    static void adapt(@Nullable InputPreProcessor preProcessor, Width input) {
        if (preProcessor instanceof CnnToFeedForwardPreProcessor flatten) {
            flatten.setNumChannels(input.scale(flatten.getNumChannels()));
        } else if (preProcessor instanceof FeedForwardToCnnPreProcessor && input.isWhole()) {
            return; // flat images as the network's input
        } else if (preProcessor != null) {
            throw new IllegalArgumentException(
                    "its preprocessor " + preProcessor.getClass().getSimpleName() + " cannot be narrowed");
        }
    }
}
