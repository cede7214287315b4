package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.normalization.LocalResponseNormalization;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.floating.Sqrt;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.MulOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Local response normalization. The sum over neighbouring channels is a 1x1 convolution by a band of ones. What the
 * backward pass needs is kept from the forward pass.
 */
final class FastLrn extends LocalResponseNormalization {
    private static final double USUAL_BETA = 0.75;

    private @Nullable INDArray band;
    private @Nullable INDArray unitScale;
    private @Nullable INDArray scale;
    private @Nullable INDArray output;

    FastLrn(LocalResponseNormalization original, DataType type) {
        super(original.conf(), type);
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        assertInputSet(false);
        if (reach() >= channels()) {
            return super.activate(training, workspaces); // which says what is wrong
        }
        INDArray from = input;
        INDArray squares = like(from, ArrayType.FF_WORKING_MEM, workspaces);
        Nd4j.exec(new MulOp(from, from, squares));
        INDArray unit = like(from, training ? ArrayType.ACTIVATIONS : ArrayType.FF_WORKING_MEM, workspaces);
        sumOverNeighbours(squares, unit, isChannelsFirst());
        unit.muli(layerConf().getAlpha()).addi(layerConf().getK());
        INDArray power = like(from, training ? ArrayType.ACTIVATIONS : ArrayType.FF_WORKING_MEM, workspaces);
        negativePower(unit, power, workspaces);
        INDArray result = like(from, ArrayType.ACTIVATIONS, workspaces);
        Nd4j.exec(new MulOp(from, power, result));
        if (training) {
            unitScale = unit;
            scale = power;
            output = result;
        }
        return result;
    }

    /** {@code power = unit ^ -beta}. */
    private void negativePower(INDArray unit, INDArray power, LayerWorkspaceMgr workspaces) {
        if (layerConf().getBeta() != USUAL_BETA) {
            power.assign(unit);
            Transforms.pow(power, -layerConf().getBeta(), false);
            return;
        }
        // Roots are many times as fast as powers: unit^-3/4 = 1 / (unit^1/2 unit^1/4).
        INDArray root = like(unit, ArrayType.FF_WORKING_MEM, workspaces);
        Nd4j.exec(new Sqrt(unit, root));
        Nd4j.exec(new Sqrt(root, power));
        power.muli(root).rdivi(1);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray error, LayerWorkspaceMgr workspaces) {
        assertInputSet(true);
        if (reach() >= channels()) {
            return super.backpropGradient(error, workspaces);
        }
        INDArray products = like(input, ArrayType.BP_WORKING_MEM, workspaces);
        Nd4j.exec(new MulOp(output, error, products));
        INDArray sums = like(input, ArrayType.BP_WORKING_MEM, workspaces);
        sumOverNeighbours(products, sums, isChannelsFirst());
        // As Deeplearning4j: error * scale - 2 alpha beta * input * sums / unitScale
        sums.muli(input)
                .divi(unitScale)
                .muli(2 * layerConf().getAlpha() * layerConf().getBeta());
        INDArray inputError = like(input, ArrayType.ACTIVATION_GRAD, workspaces);
        Nd4j.exec(new MulOp(error, scale, inputError));
        return new Pair<>(new DefaultGradient(), inputError.subi(sums));
    }

    private void sumOverNeighbours(INDArray array, INDArray sums, boolean channelsFirst) {
        int format = channelsFirst ? 0 : 1;
        NativeOp.run(
                "conv2d", new INDArray[] {array, band()}, new INDArray[] {sums}, 1, 1, 1, 1, 0, 0, 1, 1, 0, format, 1);
    }

    /** {@code [channels, channels, 1, 1]}: one where two channels are neighbours, zero elsewhere. */
    private INDArray band() {
        INDArray weights = band;
        if (weights == null) {
            int channels = channels();
            int reach = reach();
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                weights = Nd4j.create(dataType, channels, channels, 1, 1);
            }
            for (int to = 0; to < channels; to++) {
                for (int from = Math.max(0, to - reach); from <= Math.min(channels - 1, to + reach); from++) {
                    weights.putScalar(new long[] {to, from, 0, 0}, 1);
                }
            }
            band = weights;
        }
        return weights;
    }

    private int channels() {
        return (int) input.size(isChannelsFirst() ? 1 : 3);
    }

    /** How many neighbours on each side are summed up. */
    private int reach() {
        return (int) layerConf().getN() / 2;
    }

    private boolean isChannelsFirst() {
        return layerConf().getDataFormat() == CNN2DFormat.NCHW;
    }

    private static INDArray like(INDArray array, ArrayType type, LayerWorkspaceMgr workspaces) {
        return workspaces.createUninitialized(type, array.dataType(), array.shape(), 'c');
    }

    @Override
    public void clear() {
        super.clear();
        unitScale = null;
        scale = null;
        output = null;
    }
}
