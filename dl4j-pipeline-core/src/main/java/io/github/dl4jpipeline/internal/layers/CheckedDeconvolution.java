package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.convolution.Deconvolution2DLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;

/** A transposed 2D convolution that refuses input for which it has no output. Deeplearning4j's own would write outside of its arrays. */
final class CheckedDeconvolution extends Deconvolution2DLayer {
    private static final int MAPS = 4;

    CheckedDeconvolution(Deconvolution2DLayer original) {
        super(original.conf(), original.params().dataType());
    }

    @Override
    public void setInput(INDArray input, LayerWorkspaceMgr workspaces) {
        super.setInput(input == null ? null : inRows(input, ArrayType.INPUT, workspaces), workspaces);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        return super.backpropGradient(inRows(error, ArrayType.BP_WORKING_MEM, workspaces), workspaces);
    }

    /** With channels last Deeplearning4j's own is wrong where values are a view. */
    private static INDArray inRows(INDArray values, ArrayType use, LayerWorkspaceMgr workspaces) {
        return Shape.hasDefaultStridesForShape(values) ? values : workspaces.dup(use, values, 'c');
    }

    @Override
    protected Pair<INDArray, INDArray> preOutput(boolean training, boolean forBackprop, LayerWorkspaceMgr workspaces) {
        if (input.rank() == MAPS) { // else Deeplearning4j says what is wrong
            new ConvolutionGeometry(layerConf(), convolutionMode).requireTransposedOutput(input);
        }
        return super.preOutput(training, forBackprop, workspaces);
    }
}
