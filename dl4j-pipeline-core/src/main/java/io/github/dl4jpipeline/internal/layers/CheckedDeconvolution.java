package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.layers.convolution.Deconvolution2DLayer;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A transposed 2D convolution that refuses input for which it has no output. Deeplearning4j's own would write outside of its arrays. */
final class CheckedDeconvolution extends Deconvolution2DLayer {
    private static final int MAPS = 4;

    CheckedDeconvolution(Deconvolution2DLayer original) {
        super(original.conf(), original.params().dataType());
    }

    @Override
    protected Pair<INDArray, INDArray> preOutput(boolean training, boolean forBackprop, LayerWorkspaceMgr workspaces) {
        if (input.rank() == MAPS) { // else Deeplearning4j says what is wrong
            new ConvolutionGeometry(layerConf(), convolutionMode).requireTransposedOutput(input);
        }
        return super.preOutput(training, forBackprop, workspaces);
    }
}
