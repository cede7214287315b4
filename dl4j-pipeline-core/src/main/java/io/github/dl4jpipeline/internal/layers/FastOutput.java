package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.OutputLayer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

/**
 * A dense output layer with the matrix products of {@link FastDense}. Loss and activation are Deeplearning4j's, or {@link SoftmaxLoss}.
 * The backward pass keeps what the score follows from, so that the score needs no second product.
 */
final class FastOutput extends OutputLayer implements AddsGradients, GradientAlone {
    private boolean add;

    /** Of the examples of the last backward pass; null if it has not been computed. */
    private @Nullable Double sumOfScores;

    /** Of the last backward pass; null if it is not known. */
    private @Nullable INDArray kept;

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
    public Pair<Gradient, INDArray> backpropGradient(@Nullable INDArray error, LayerWorkspaceMgr workspaces) {
        INDArray delta = delta(workspaces);
        INDArray weights = getParamWithNoise(DefaultParamInitializer.WEIGHT_KEY, true, workspaces);
        INDArray inputError = DenseMath.inputError(delta, weights, workspaces);
        return new Pair<>(gradientOf(delta, workspaces), backpropDropOutIfPresent(inputError));
    }

    @Override
    public Gradient gradient(@Nullable INDArray error, LayerWorkspaceMgr workspaces) {
        return gradientOf(delta(workspaces), workspaces);
    }

    /** The gradient of the loss by the pre-output. */
    private INDArray delta(LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray output = preOutput2d(true, workspaces);
        INDArray wanted = getLabels2d(workspaces, ArrayType.BP_WORKING_MEM);
        ILossFunction loss = layerConf().getLossFn();
        sumOfScores = null;
        kept = null;
        if (SoftmaxLoss.suits(loss, layerConf().getActivationFn(), wanted, output, maskArray)) {
            sumOfScores = SoftmaxLoss.apply((LossMCXENT) loss, wanted, output);
            return output;
        }
        if (maskArray == null) {
            kept = workspaces.dup(ArrayType.INPUT, output, output.ordering()); // some functions overwrite theirs
        }
        return loss.computeGradient(wanted, output, layerConf().getActivationFn(), maskArray);
    }

    private Gradient gradientOf(INDArray delta, LayerWorkspaceMgr workspaces) {
        DenseMath.gradient(input.castTo(dataType), delta, gradientViews, add, workspaces);
        return DenseMath.named(gradientViews, DefaultParamInitializer.WEIGHT_KEY, DefaultParamInitializer.BIAS_KEY);
    }

    /** Right after a backward pass without masks it is that of the same pass. */
    @Override
    public double computeScore(double regularization, boolean training, LayerWorkspaceMgr workspaces) {
        Double sum = sumOfScores;
        INDArray known = kept;
        sumOfScores = null;
        kept = null;
        if (!training || maskArray != null || (sum == null && known == null)) {
            return super.computeScore(regularization, training, workspaces);
        }
        if (sum == null) {
            sum = layerConf()
                    .getLossFn()
                    .computeScore(
                            getLabels2d(workspaces, ArrayType.FF_WORKING_MEM),
                            known,
                            layerConf().getActivationFn(),
                            null,
                            false);
        }
        score = (conf().isMiniBatch() ? sum / getInputMiniBatchSize() : sum) + regularization;
        return score;
    }

    @Override
    public void clear() {
        super.clear();
        sumOfScores = null;
        kept = null;
    }
}
