package io.github.dl4jpipeline.internal.layers;

import java.util.Objects;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.recurrent.RnnOutputLayer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;

/**
 * An output at every step, with the matrix products of {@link FastDense} for all steps at once. Sequences whose steps are one
 * after another are read where they are. The score reads what the backward pass has computed. Loss and activation are
 * Deeplearning4j's.
 */
final class FastRnnOutput extends RnnOutputLayer implements AddsGradients {
    private static final int RANK = 3;

    private boolean add;

    /** The pre-activation of the last backward pass, and the mask that it has seen. */
    private @Nullable INDArray kept;

    private @Nullable INDArray keptMask;

    FastRnnOutput(RnnOutputLayer original) {
        super(original.conf(), original.params().dataType());
    }

    @Override
    public void addGradients(boolean value) {
        add = value;
    }

    private boolean isNwc() {
        return layerConf().getRnnDataFormat() == RNNFormat.NWC;
    }

    private boolean fits() {
        int steps = isNwc() ? 1 : 2;
        return input.rank() == RANK
                && labels.rank() == RANK
                && input.size(steps) == labels.size(steps)
                && input.size(RANK - steps) == layerConf().getNIn();
    }

    /** {@code [steps * examples, size]}. */
    private INDArray rows(LayerWorkspaceMgr workspaces) {
        INDArray bySteps = isNwc() ? input.permute(1, 0, 2) : input.permute(2, 0, 1);
        INDArray all = bySteps.castTo(dataType);
        boolean isDense = all.ordering() == 'c' && Shape.hasDefaultStridesForShape(all);
        INDArray dense = isDense ? all : workspaces.dup(ArrayType.BP_WORKING_MEM, all, 'c');
        return dense.reshape('c', all.size(0) * all.size(1), all.size(2));
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        if (!fits()) {
            return super.backpropGradient(error, workspaces); // which says what is wrong
        }
        INDArray rows = rows(workspaces);
        INDArray weights = getParamWithNoise(DefaultParamInitializer.WEIGHT_KEY, true, workspaces);
        INDArray output = workspaces.createUninitialized( // until the score has been computed
                ArrayType.INPUT, dataType, new long[] {rows.rows(), weights.columns()}, 'c');
        NativeOp.run("matmul", new INDArray[] {rows, weights}, new INDArray[] {output});
        if (hasBias()) {
            output.addiRowVector(getParamWithNoise(DefaultParamInitializer.BIAS_KEY, true, workspaces));
        }
        if (maskArray != null) {
            applyMask(output);
        }
        kept = output;
        keptMask = maskArray;
        INDArray delta = layerConf()
                .getLossFn()
                .computeGradient(
                        getLabels2d(workspaces, ArrayType.BP_WORKING_MEM),
                        output,
                        layerConf().getActivationFn(),
                        maskArray);
        INDArray inputError = DenseMath.inputError(delta, weights, workspaces);
        DenseMath.gradient(rows, delta, gradientViews, add, workspaces);
        Gradient gradient =
                DenseMath.named(gradientViews, DefaultParamInitializer.WEIGHT_KEY, DefaultParamInitializer.BIAS_KEY);
        return new Pair<>(gradient, sequences(inputError));
    }

    /** Of the shape of the input. */
    private INDArray sequences(INDArray rows) {
        long examples = input.size(0);
        INDArray bySteps = rows.reshape('c', rows.rows() / examples, examples, rows.columns());
        return isNwc() ? bySteps.permute(1, 0, 2) : bySteps.permute(1, 2, 0);
    }

    @Override
    protected INDArray preOutput2d(boolean training, LayerWorkspaceMgr workspaces) {
        boolean same = training && kept != null && Objects.equals(keptMask, maskArray);
        return same ? kept : super.preOutput2d(training, workspaces);
    }

    @Override
    public void setInput(INDArray next, LayerWorkspaceMgr workspaces) {
        super.setInput(next, workspaces);
        forget();
    }

    @Override
    public void clear() {
        super.clear();
        forget();
    }

    private void forget() {
        kept = null;
        keptMask = null;
    }
}
