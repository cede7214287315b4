package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.feedforward.dense.DenseLayer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A dense layer that computes each product in the fastest of several equal ways. It keeps its pre-activation, where
 * Deeplearning4j's own multiplies by the weights again.
 */
public final class FastDense extends DenseLayer implements AddsGradients, GradientAlone, PostponesGradient {
    /** Fewer stay in a core's cache, and micro-batches would wait for each other in vain. */
    private static final long LEAST_WEIGHTS_TO_SHARE = 1 << 20;

    private final InPlaceActivation activation;
    private @Nullable JointDense joint;
    private int microBatch;
    private boolean add;
    private boolean postpone;

    /** What a backward pass has left its gradients to follow from. */
    private @Nullable INDArray postponed;

    FastDense(DenseLayer original) {
        super(original.conf(), original.params().dataType());
        activation = new InPlaceActivation(layerConf().getActivationFn());
    }

    /** Whether threads that share the weights save more time than their waiting for each other takes. */
    public boolean paysJointly(int threads) {
        return getParam(DefaultParamInitializer.WEIGHT_KEY).length() >= LEAST_WEIGHTS_TO_SHARE
                && layerConf().getNOut() >= threads
                && layerConf().getWeightNoise() == null;
    }

    /** Computes training passes together with other micro-batches, of which this layer sees the one numbered. */
    public void join(JointDense layer, int number) {
        joint = layer;
        microBatch = number;
    }

    /** What computes the micro-batch in the input together with others; null if it is computed alone. */
    private @Nullable JointDense joint() {
        return joint != null && joint.takes(microBatch, input) ? joint : null;
    }

    @Override
    public void addGradients(boolean value) {
        add = value;
    }

    @Override
    public void postponeGradient(boolean value) {
        postpone = value;
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        INDArray output = activation.forward(preOutput(training, workspaces), training, workspaces);
        if (maskArray == null) {
            return output;
        }
        INDArray masked =
                workspaces.dup(ArrayType.ACTIVATIONS, output, output.ordering()); // the derivative is of the other
        applyMask(masked);
        return masked;
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
        INDArray rows = input.castTo(dataType);
        JointDense together = training ? joint() : null;
        INDArray output = together == null
                ? DenseMath.output(rows, weights, bias, workspaces)
                : together.output(microBatch, rows, weights, bias, workspaces);
        if (maskArray != null) {
            applyMask(output); // and the activation again, as Deeplearning4j does
        }
        return new Pair<>(output, null);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        INDArray delta = delta(error, workspaces);
        INDArray weights = getParamWithNoise(DefaultParamInitializer.WEIGHT_KEY, true, workspaces);
        JointDense together = joint();
        if (together != null) {
            INDArray ofRows = together.backward(microBatch, delta, weights, gradientViews);
            return new Pair<>(named(), backpropDropOutIfPresent(ofRows));
        }
        INDArray inputError = DenseMath.inputError(delta, weights, workspaces);
        return new Pair<>(gradientOf(delta, workspaces), backpropDropOutIfPresent(inputError));
    }

    @Override
    public Gradient gradient(INDArray error, LayerWorkspaceMgr workspaces) {
        return gradientOf(delta(error, workspaces), workspaces);
    }

    private INDArray delta(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        INDArray delta = activation.backward(error.castTo(dataType), workspaces);
        if (maskArray != null) {
            applyMask(delta);
        }
        return delta;
    }

    private Gradient gradientOf(INDArray delta, LayerWorkspaceMgr workspaces) {
        JointDense together = joint();
        if (together != null) {
            together.writeGradient(microBatch, delta, gradientViews);
            return named();
        }
        weightNoiseParams.clear();
        if (joint != null && joint.isShared()) {
            return joint.inTurn(microBatch, following -> ownGradient(delta, following, workspaces));
        }
        if (postpone) {
            postponed = workspaces.dup(ArrayType.INPUT, delta); // which lives as long as the activations
            return new DefaultGradient();
        }
        return ownGradient(delta, add, workspaces);
    }

    @Override
    public @Nullable Gradient postponedGradient(LayerWorkspaceMgr workspaces) {
        INDArray delta = postponed;
        postponed = null;
        return delta == null ? null : ownGradient(delta, add, workspaces);
    }

    private Gradient ownGradient(INDArray delta, boolean toOthers, LayerWorkspaceMgr workspaces) {
        DenseMath.gradient(input.castTo(dataType), delta, gradientViews, toOthers, workspaces);
        return named();
    }

    private Gradient named() {
        return DenseMath.named(gradientViews, DefaultParamInitializer.BIAS_KEY, DefaultParamInitializer.WEIGHT_KEY);
    }

    @Override
    public void clear() {
        super.clear();
        activation.clear();
        postponed = null;
    }
}
