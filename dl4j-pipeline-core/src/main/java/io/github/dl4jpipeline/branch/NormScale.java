package io.github.dl4jpipeline.branch;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.params.BatchNormalizationParamInitializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * What a batch normalization does at inference: {@code y = scale * x + shift} for each channel. In double precision.
 *
 * @param scale {@code [channels]}
 * @param shift {@code [channels]}
 */
record NormScale(INDArray scale, INDArray shift) {

    static NormScale of(Layer layer, BatchNormalization configuration) {
        INDArray variance = configuration.isUseLogStd()
                ? Transforms.exp(vector(layer, BatchNormalizationParamInitializer.GLOBAL_LOG_STD)
                        .muli(2 * Math.log(10)))
                : vector(layer, BatchNormalizationParamInitializer.GLOBAL_VAR);
        INDArray scale = Transforms.pow(variance.add(configuration.getEps()), -0.5)
                .muli(vector(layer, BatchNormalizationParamInitializer.GAMMA));
        INDArray shift = vector(layer, BatchNormalizationParamInitializer.BETA)
                .subi(vector(layer, BatchNormalizationParamInitializer.GLOBAL_MEAN)
                        .muli(scale));
        return new NormScale(scale, shift);
    }

    private static INDArray vector(Layer layer, String parameter) {
        INDArray array = layer.getParam(parameter).castTo(DataType.DOUBLE).dup();
        return array.reshape(array.length());
    }

    /** The weights {@code [channels, …]} of a convolution before it, scaled. */
    INDArray weights(INDArray original) {
        INDArray column = scale.reshape(scale.length(), 1, 1, 1);
        return original.castTo(DataType.DOUBLE).mul(column).castTo(original.dataType());
    }

    /** The bias of a convolution before it, scaled and shifted. */
    INDArray bias(@Nullable INDArray original) {
        INDArray bias = original == null
                ? shift
                : original.castTo(DataType.DOUBLE)
                        .reshape(scale.length())
                        .mul(scale)
                        .addi(shift);
        return bias.reshape(1, scale.length());
    }
}
