package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Convolution;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Slot;
import io.github.dl4jpipeline.internal.onednn.Window;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.floating.Sqrt;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.MulOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Local response normalization of maps with channels first. The sum over neighbouring channels is a 1x1 convolution by a band of
 * ones. oneDNN's own operation has another backward pass: Deeplearning4j divides by the scale of the input, not of its neighbours.
 */
final class EngineLrn extends EngineLayer {
    private static final double USUAL_BETA = 0.75;

    private final double k;
    private final double alpha;
    private final double beta;

    /** How many neighbours on each side are summed up. */
    private final int reach;

    private final ByLayout<Passes> byLayout = new ByLayout<>();

    private @Nullable Passes passes;
    private @Nullable INDArray input;
    private @Nullable INDArray unitScale;
    private @Nullable INDArray scale;
    private @Nullable INDArray output;

    /** The sum over neighbours for one layout of input. */
    private record Passes(Layout layout, Primitive sum, INDArray band) implements AutoCloseable {
        @Override
        public void close() {
            sum.close();
            band.close();
        }
    }

    /** Null if this does not do it. */
    static @Nullable EngineLrn of(LocalResponseNormalization layer) {
        // what pads blocks of channels stays zero if k is positive
        return layer.getK() > 0 ? new EngineLrn(layer) : null;
    }

    private EngineLrn(LocalResponseNormalization layer) {
        k = layer.getK();
        alpha = layer.getAlpha();
        beta = layer.getBeta();
        reach = (int) layer.getN() / 2;
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Value maps = inputs[0];
        Layout given = maps.layout();
        if (given == null || maps.shape().length != 4 || maps.shape()[1] <= reach) {
            return null;
        }
        Passes made = byLayout.get(given, layout -> make(layout, space));
        if (made == null) {
            return null;
        }
        long floats = made.layout().floats();
        INDArray from = flat(activation(maps, made.layout(), space));
        INDArray squares = space.work(floats);
        Nd4j.exec(new MulOp(from, from, squares));
        INDArray unit = space.activation(floats);
        sum(made, squares, unit, space);
        unit.muli(alpha).addi(k);
        INDArray power = space.activation(floats);
        negativePower(unit, power, space);
        INDArray result = space.activation(floats);
        Nd4j.exec(new MulOp(from, power, result));
        passes = made;
        input = from;
        unitScale = unit;
        scale = power;
        output = result;
        return new Value(result, made.layout());
    }

    private @Nullable Passes make(Layout layout, Space space) {
        long[] shape = layout.shape();
        long[] weights = {shape[1], shape[1], 1, 1};
        long[] one = {1, 1};
        long[] none = {0, 0};
        Window window = new Window(one, one, one, none, none);
        Convolution sums = Convolution.reading(
                layout, new Convolution.Shape(shape, shape, weights, window, false, false, true), Activation.IDENTITY);
        if (sums == null || !sums.input().equals(sums.output())) {
            return null;
        }
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            INDArray plain = Nd4j.create(DataType.FLOAT, weights);
            for (int to = 0; to < shape[1]; to++) {
                for (int from = Math.max(0, to - reach); from <= Math.min(shape[1] - 1, to + reach); from++) {
                    plain.putScalar(new long[] {to, from, 0, 0}, 1);
                }
            }
            INDArray band = Nd4j.create(DataType.FLOAT, sums.forwardWeights().floats());
            reorders().write(plain, Layout.rowMajor(weights), band, sums.forwardWeights(), space);
            return new Passes(sums.input(), sums.forward(), band);
        }
    }

    private static void sum(Passes made, INDArray values, INDArray sums, Space space) {
        made.sum().with(Slot.INPUT, values).with(Slot.WEIGHTS, made.band()).with(Slot.OUTPUT, sums);
        run(made.sum(), space);
    }

    private static INDArray flat(INDArray floats) {
        return floats.reshape(floats.length());
    }

    /** {@code power = unit ^ -beta}. */
    private void negativePower(INDArray unit, INDArray power, Space space) {
        if (beta != USUAL_BETA) {
            power.assign(unit);
            Transforms.pow(power, -beta, false);
            return;
        }
        // Roots are many times as fast as powers: unit^-3/4 = 1 / (unit^1/2 unit^1/4).
        INDArray root = space.work(unit.length());
        Nd4j.exec(new Sqrt(unit, root));
        Nd4j.exec(new Sqrt(root, power));
        power.muli(root).rdivi(1);
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        Passes made = passes;
        if (made == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        INDArray delta = flat(error(error, made.layout(), space));
        INDArray products = space.work(delta.length());
        Nd4j.exec(new MulOp(output, delta, products));
        INDArray sums = space.work(delta.length());
        sum(made, products, sums, space);
        // As Deeplearning4j: error * scale - 2 alpha beta * input * sums / unitScale
        sums.muli(input).divi(unitScale).muli(2 * alpha * beta);
        return new Value[] {new Value(delta.muli(scale).subi(sums), made.layout())};
    }

    @Override
    public void clear() {
        passes = null;
        input = null;
        unitScale = null;
        scale = null;
        output = null;
    }

    @Override
    public void close() {
        super.close();
        byLayout.close();
    }
}
