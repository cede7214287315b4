package io.github.dl4jpipeline.kernel;

import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.layers.convolution.subsampling.SubsamplingLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/** Max-pooling that in inference leaves maps in memory as they were, if as {@link ChannelsLast} says. */
final class FastPooling extends SubsamplingLayer {

    FastPooling(SubsamplingLayer original, DataType type) {
        super(original.conf(), type);
    }

    /** Whether this can take a layer's place. */
    static boolean canReplace(SubsamplingLayer layer) {
        return layer.layerConf().getPoolingType() == PoolingType.MAX
                && layer.layerConf().getCnn2dDataFormat() == CNN2DFormat.NCHW;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        if (training || !ChannelsLast.is(input) || input.dataType() != dataType) {
            return super.activate(training, workspaces);
        }
        int[] kernel = layerConf().getKernelSize();
        int[] stride = layerConf().getStride();
        int[] padding = layerConf().getPadding();
        int[] dilation = layerConf().getDilation();
        int same = convolutionMode == ConvolutionMode.Same ? 1 : 0;
        DynamicCustomOp pooling = DynamicCustomOp.builder("maxpool2d")
                .addInputs(ChannelsLast.view(input))
                .addIntegerArguments(
                        kernel[0],
                        kernel[1],
                        stride[0],
                        stride[1],
                        padding[0],
                        padding[1],
                        dilation[0],
                        dilation[1],
                        same,
                        0,
                        1)
                .build();
        long[] shape = pooling.calculateOutputShape().get(0).getShape();
        INDArray view = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, shape, 'c');
        pooling.addOutputArgument(view);
        Nd4j.exec(pooling);
        return ChannelsLast.maps(view);
    }
}
