package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.convolution.DepthwiseConvolution2DLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A 2D convolution of each channel by itself. It keeps its pre-activation, which Deeplearning4j's own computes again.
 * With channels last the native operation misreads views, so input and error are copied into its order first.
 */
final class FastDepthwise extends DepthwiseConvolution2DLayer {
    private final InPlaceActivation activation;
    private final ConvolutionGeometry geometry;
    private @Nullable INDArray kept;

    FastDepthwise(DepthwiseConvolution2DLayer original) {
        super(original.conf(), original.params().dataType());
        activation = new InPlaceActivation(layerConf().getActivationFn());
        geometry = new ConvolutionGeometry(layerConf(), convolutionMode);
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        applyDropOutIfNecessary(training, workspaces);
        input = DirectConvolution.inOrder(input, geometry, workspaces, ArrayType.INPUT);
        INDArray output =
                activation.forward(preOutput(training, false, workspaces).getFirst(), training, workspaces);
        kept = training ? activation.preActivation(output) : null;
        return output;
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        INDArray delta = DirectConvolution.inOrder(error, geometry, workspaces, ArrayType.BP_WORKING_MEM);
        return super.backpropGradient(delta, workspaces);
    }

    @Override
    protected Pair<INDArray, INDArray> preOutput(boolean training, boolean forBackprop, LayerWorkspaceMgr workspaces) {
        return forBackprop && kept != null
                ? new Pair<>(kept, null)
                : super.preOutput(training, forBackprop, workspaces);
    }

    @Override
    public void clear() {
        super.clear();
        activation.clear();
        kept = null;
    }
}
