package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.OutputLayer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A dense output layer with the matrix products of {@link FastDense}; loss and activation are Deeplearning4j's. */
final class FastOutput extends OutputLayer implements AddsGradients {
    private boolean add;

    FastOutput(OutputLayer original) {
        super(original.conf(), original.params().dataType());
    }

    @Override
    public void addGradients(boolean value) {
        add = value;
    }

    @Override
    protected Pair<INDArray, INDArray> preOutputWithPreNorm(
            boolean training, boolean forBackprop, LayerWorkspaceMgr workspaces) {
        assertInputSet(forBackprop);
        applyDropOutIfNecessary(training, workspaces);
        INDArray weights = getParamWithNoise(DefaultParamInitializer.WEIGHT_KEY, training, workspaces);
        if (input.rank() != 2 || input.columns() != weights.rows()) {
            return super.preOutputWithPreNorm(training, forBackprop, workspaces); // which says what is wrong
        }
        INDArray bias = hasBias() ? getParamWithNoise(DefaultParamInitializer.BIAS_KEY, training, workspaces) : null;
        INDArray output = DenseMath.output(input.castTo(dataType), weights, bias, workspaces);
        if (maskArray != null) {
            applyMask(output);
        }
        return new Pair<>(output, null);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray delta = layerConf()
                .getLossFn()
                .computeGradient(
                        getLabels2d(workspaces, ArrayType.BP_WORKING_MEM),
                        preOutput2d(true, workspaces),
                        layerConf().getActivationFn(),
                        maskArray);
        INDArray weights = getParamWithNoise(DefaultParamInitializer.WEIGHT_KEY, true, workspaces);
        INDArray inputError = DenseMath.inputError(delta, weights, workspaces);
        DenseMath.gradient(input.castTo(dataType), delta, gradientViews, add, workspaces);
        Gradient gradient =
                DenseMath.named(gradientViews, DefaultParamInitializer.WEIGHT_KEY, DefaultParamInitializer.BIAS_KEY);
        return new Pair<>(gradient, backpropDropOutIfPresent(inputError));
    }
}
