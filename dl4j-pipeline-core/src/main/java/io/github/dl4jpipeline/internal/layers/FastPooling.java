package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.convolution.subsampling.SubsamplingLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Max-pooling with a faster backward pass for windows of 2x2. */
final class FastPooling extends SubsamplingLayer {
    private final MaxPoolingGradient inWindows = new MaxPoolingGradient();

    FastPooling(SubsamplingLayer original, DataType type) {
        super(original.conf(), type);
    }

    /** Whether this can take a layer's place. */
    static boolean canReplace(SubsamplingLayer layer) {
        return layer.layerConf().getPoolingType() == PoolingType.MAX
                && layer.layerConf().getCnn2dDataFormat() == CNN2DFormat.NCHW;
    }

    /** Whether the backward pass of a layer that can be replaced has faster code. */
    static boolean isFaster(SubsamplingLayer layer) {
        org.deeplearning4j.nn.conf.layers.SubsamplingLayer conf = layer.layerConf();
        return ConvolutionGeometry.isAll(conf.getKernelSize(), 2)
                && ConvolutionGeometry.isAll(conf.getStride(), 2)
                && ConvolutionGeometry.isAll(conf.getDilation(), 1)
                && (conf.getConvolutionMode() == ConvolutionMode.Same
                        || ConvolutionGeometry.isAll(conf.getPadding(), 0));
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        // Not so where an odd map is padded, and where a map of one row or column has a window all the same.
        boolean inside = 2 * error.size(2) <= input.size(2) && 2 * error.size(3) <= input.size(3);
        if (!isFaster(this) || !inside || !HostFloats.are(input, error)) {
            return super.backpropGradient(error, workspaces);
        }
        INDArray result =
                workspaces.createUninitialized(ArrayType.ACTIVATION_GRAD, input.dataType(), input.shape(), 'c');
        inWindows.write(input, error, result);
        return new Pair<>(new DefaultGradient(), result);
    }
}
