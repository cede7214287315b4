package io.github.dl4jpipeline.kernel;

import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.feedforward.dense.DenseLayer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A dense layer that keeps its pre-activation, where Deeplearning4j's own multiplies by the weights again, and that has each
 * product computed in the fastest of several equal ways.
 */
final class FastDense extends DenseLayer implements AddsGradients {
    private final InPlaceActivation activation;
    private boolean add;

    FastDense(DenseLayer original) {
        super(original.conf(), original.params().dataType());
        activation = new InPlaceActivation(layerConf().getActivationFn());
    }

    @Override
    public void addGradients(boolean value) {
        add = value;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        INDArray output = activation.forward(preOutput(training, workspaces), training, workspaces);
        if (maskArray != null) {
            applyMask(output);
        }
        return output;
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
        long[] shape = {input.rows(), weights.columns()};
        // BLAS writes columns; with few rows it takes half as long again to write the transposed.
        INDArray product = workspaces.createUninitialized(ArrayType.FF_WORKING_MEM, dataType, shape, 'f');
        Nd4j.gemm(input.castTo(dataType), weights, product, false, false, 1, 0);
        INDArray output = workspaces.createUninitialized(ArrayType.ACTIVATIONS, dataType, shape, 'c');
        output.assign(product);
        if (hasBias()) {
            output.addiRowVector(getParamWithNoise(DefaultParamInitializer.BIAS_KEY, training, workspaces));
        }
        return new Pair<>(output, null);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray delta = activation.backward(error.castTo(dataType), workspaces);
        if (maskArray != null) {
            applyMask(delta);
        }
        Gradient gradient = new DefaultGradient();
        if (hasBias()) {
            INDArray sum = gradientViews.get(DefaultParamInitializer.BIAS_KEY);
            if (add) {
                INDArray part = workspaces.createUninitialized(ArrayType.BP_WORKING_MEM, dataType, sum.shape(), 'c');
                sum.addi(delta.sum(part, 0));
            } else {
                delta.sum(sum, 0);
            }
            gradient.setGradientFor(DefaultParamInitializer.BIAS_KEY, sum);
        }
        INDArray weights = getParamWithNoise(DefaultParamInitializer.WEIGHT_KEY, true, workspaces);
        INDArray inputError = workspaces.createUninitialized(
                ArrayType.ACTIVATION_GRAD, dataType, new long[] {delta.size(0), weights.size(0)}, 'c');
        // oneDNN, which ND4J uses for this operation, is faster than BLAS where the second matrix is transposed.
        NativeOp.run("matmul", new INDArray[] {delta, weights}, new INDArray[] {inputError}, 0, 1);
        INDArray weightSum = gradientViews.get(DefaultParamInitializer.WEIGHT_KEY);
        Nd4j.gemm(input.castTo(dataType), delta, weightSum, true, false, 1, add ? 1 : 0);
        gradient.setGradientFor(DefaultParamInitializer.WEIGHT_KEY, weightSum);
        weightNoiseParams.clear();
        return new Pair<>(gradient, backpropDropOutIfPresent(inputError));
    }

    @Override
    public void clear() {
        super.clear();
        activation.clear();
    }
}
