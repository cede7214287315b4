package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.HostFloats;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Product;
import io.github.dl4jpipeline.internal.onednn.Slot;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.recurrent.LSTM;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A layer whose output at a step is an input of the next step. The products with the input of all steps are one product of
 * matrices, and so are those of each gradient. A step has one product with the output of the step before, and the arithmetic of
 * the layer's units.
 *
 * @param <P> what the layer has for one shape of input
 */
@SuppressWarnings("ReachabilityFenceUsage") // where a loop fails, it reads no more
abstract class EngineRecurrent<P extends EngineRecurrent.Passes> extends EngineLayer {
    static final int NONE = -1;

    /** The step before the first one, where the layer begins with a state. */
    static final int CARRIED = -2;

    /** Deeplearning4j's name of the output that is carried. */
    private static final String OUTPUT_STATE = LSTM.STATE_KEY_PREV_ACTIVATION;

    private final RecurrentWeights weights;
    private final RNNFormat format;
    private final boolean reversed;
    private final ByLayout<P> byLayout = new ByLayout<>();

    private @Nullable P passes;
    private StepMask mask = StepMask.NONE;
    private @Nullable INDArray input;
    private @Nullable INDArray output;

    /** The gradient by what the weights lead to. */
    private @Nullable INDArray delta;

    /**
     * @param format of its input and output
     * @param reversed whether it goes from the last step to the first
     */
    EngineRecurrent(RecurrentWeights weights, RNNFormat format, boolean reversed) {
        this.weights = weights;
        this.format = format;
        this.reversed = reversed;
    }

    /** The primitives for one shape of input. */
    static class Passes implements AutoCloseable {
        private final Sequence input;
        private final Sequence output;
        private final Sequence wide;
        private final Primitive ofInput;
        private final @Nullable Primitive recurrent;
        private @Nullable Primitive back;
        private @Nullable Primitive inputError;
        private @Nullable Primitive inputGradient;
        private @Nullable Primitive recurrentGradient;

        Passes(Sequence input, RecurrentWeights weights) {
            this.input = input;
            output = input.ofSize(weights.units());
            wide = input.ofSize(weights.width());
            ofInput = Product.withBias(
                    Product.matrix(input.rows(), input.size()), Product.transposed(input.size(), wide.size()));
            recurrent = Product.adding(
                    Product.matrix(input.examples(), output.size()), Product.transposed(output.size(), wide.size()));
        }

        final Sequence output() {
            return output;
        }

        final Sequence wide() {
            return wide;
        }

        private Primitive back() {
            if (back == null) {
                back = Product.adding(
                        Product.matrix(input.examples(), wide.size()), Product.matrix(wide.size(), output.size()));
            }
            return back;
        }

        private Primitive inputError() {
            if (inputError == null) {
                inputError = Product.of(
                        Product.matrix(input.rows(), wide.size()), Product.matrix(wide.size(), input.size()));
            }
            return inputError;
        }

        private Primitive inputGradient() {
            if (inputGradient == null) {
                inputGradient = gradient(input.rows(), input.size());
            }
            return inputGradient;
        }

        private Primitive recurrentGradient() {
            if (recurrentGradient == null) {
                recurrentGradient = gradient(input.rows() - input.examples(), output.size());
            }
            return recurrentGradient;
        }

        /** Of some rows, by what the weights lead to with all rows side by side. */
        private Primitive gradient(long rows, long columns) {
            Layout part = Layout.strided(new long[] {wide.size(), rows}, new long[] {input.rows(), 1});
            return Product.of(part, Product.matrix(rows, columns));
        }

        @Override
        public void close() {
            for (Primitive primitive :
                    new Primitive[] {ofInput, recurrent, back, inputError, inputGradient, recurrentGradient}) {
                if (primitive != null) {
                    primitive.close();
                }
            }
        }
    }

    abstract P make(Sequence sequence);

    /** Takes memory for what the units keep, before the first step. */
    abstract void begin(P passes, StepMask mask, boolean training, Space space);

    /**
     * The forward pass of the units at a step.
     *
     * @param wide what the weights lead to, at all steps
     * @param output at all steps, of which this one is to be written
     * @param before the step before; {@link #NONE} if this is the first
     */
    abstract void step(P passes, INDArray wide, INDArray output, int step, int before, StepMask mask, Space space);

    /** Takes memory for what the units hand back from step to step. */
    abstract void beginBackward(P passes, Space space);

    /**
     * The backward pass of the units at a step.
     *
     * @param error of the output, at all steps
     * @param delta the gradient by what the weights lead to, of which this step is to be written
     * @param before the step before; {@link #NONE} if this is the first
     */
    abstract void stepBack(
            P passes,
            INDArray output,
            INDArray error,
            INDArray delta,
            int step,
            int before,
            StepMask mask,
            Space space);

    /** Writes gradients of peepholes, where there are any. */
    void writePeepholes(P passes, INDArray delta, INDArray recurrent) {
        // most have none
    }

    /** Begins with what a segment before has left beside the output; in a pass that keeps one step only. */
    void resume(Map<String, INDArray> state) {
        // most have nothing but their output
    }

    /** Adds what is carried to the next segment beside the output of the last step. */
    void carry(P passes, int last, Map<String, INDArray> state) {
        // most have nothing but their output
    }

    /** Forgets what the units keep. */
    abstract void clearUnits();

    final RecurrentWeights weights() {
        return weights;
    }

    final boolean isReversed() {
        return reversed;
    }

    @Override
    public final @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Sequence sequence = sequence(inputs[0]);
        return sequence == null ? null : forward(inputs[0], sequence, StepMask.NONE, training, null, space);
    }

    @Override
    public final @Nullable Value forward(Value[] inputs, INDArray given, boolean training, Space space) {
        Sequence sequence = sequence(inputs[0]);
        StepMask steps = sequence == null ? null : StepMask.of(given, sequence);
        return steps == null ? null : forward(inputs[0], sequence, steps, training, null, space);
    }

    @Override
    public final @Nullable Value forward(Value[] inputs, @Nullable INDArray given, CarriedState state, Space space) {
        Sequence sequence = sequence(inputs[0]);
        if (sequence == null) {
            return null;
        }
        StepMask steps = given == null ? StepMask.NONE : StepMask.of(given, sequence);
        return steps == null ? null : forward(inputs[0], sequence, steps, true, state, space);
    }

    /** Null if this does not take the value. */
    private @Nullable Sequence sequence(Value value) {
        Sequence sequence = Sequence.of(value.shape(), format);
        boolean fits = sequence != null
                && sequence.size() == weights.inputs()
                && sequence.steps() > 0
                && sequence.isCountable(1)
                && sequence.ofSize(weights.width()).isCountable(1)
                && value.values().dataType() == DataType.FLOAT;
        return fits ? sequence : null;
    }

    private @Nullable Value forward(
            Value value,
            Sequence sequence,
            StepMask steps,
            boolean training,
            @Nullable CarriedState state,
            Space space) {
        if (!weights.areFinite(value)) {
            return null;
        }
        P made = byLayout.get(sequence.layout(), layout -> make(sequence));
        RecurrentWeights.Arrays parameters = weights.parameters();
        INDArray from = activation(value, sequence.layout(), space);
        INDArray wide = space.work(made.wide().floats());
        Passes all = made;
        run(
                all.ofInput
                        .with(Slot.INPUT, from)
                        .with(Slot.WEIGHTS, parameters.ofInput())
                        .with(Slot.BIAS, parameters.bias())
                        .with(Slot.OUTPUT, wide),
                space);
        INDArray result = null;
        if (state != null && !state.atBegin().isEmpty()) {
            // its memory is not kept, for the backward pass is that of a sequence that begins here
            INDArray copy = space.work(wide.length()).assign(wide);
            result = units(made, copy, state.atBegin(), steps, false, space);
            state.keep(carried(made, result));
        }
        INDArray to = units(made, wide, Map.of(), steps, training, space);
        if (state != null && result == null) {
            state.keep(carried(made, to));
        }
        passes = made;
        mask = steps;
        input = from;
        output = to;
        return new Value(result == null ? to : result, made.output().layout());
    }

    /** The output of all steps. */
    private INDArray units(
            P made, INDArray wide, Map<String, INDArray> state, StepMask steps, boolean training, Space space) {
        Passes all = made;
        Sequence sequence = all.input;
        INDArray recurrent = weights.parameters().recurrent();
        INDArray to = space.activation(made.output().floats());
        begin(made, steps, training, space);
        INDArray first = state.isEmpty() ? null : inRows(state.get(OUTPUT_STATE));
        if (first != null) {
            resume(state);
        }
        INDArray scratch = scratch(all.recurrent, space);
        for (int i = 0; i < sequence.steps(); i++) {
            int step = at(i, sequence);
            int before = i > 0 ? at(i - 1, sequence) : first == null ? NONE : CARRIED;
            if (before != NONE) {
                boolean carries = before == CARRIED;
                all.recurrent
                        .with(
                                Slot.INPUT,
                                carries ? first : to,
                                carries ? 0 : before * made.output().step())
                        .with(Slot.WEIGHTS, recurrent)
                        .with(Slot.OUTPUT, wide, step * made.wide().step());
                run(all.recurrent, scratch);
            }
            step(made, wide, to, step, before, steps, space);
        }
        return to;
    }

    /** As a primitive reads it. */
    static INDArray inRows(INDArray state) {
        return state.ordering() == 'c' ? state : state.dup('c');
    }

    /** What is carried to the next segment. */
    private Map<String, INDArray> carried(P made, INDArray to) {
        Map<String, INDArray> state = new HashMap<>();
        int last = at((int) made.output().steps() - 1, made.output());
        state.put(OUTPUT_STATE, atStep(made, to, last));
        carry(made, last, state);
        return state;
    }

    /** A view of a step, {@code [examples, units]}. */
    static INDArray atStep(Passes made, INDArray all, int step) {
        Sequence output = made.output();
        long first = step * output.step();
        return all.get(NDArrayIndex.interval(first, first + output.step()))
                .reshape('c', output.examples(), output.size());
    }

    private int at(int i, Sequence sequence) {
        return reversed ? (int) sequence.steps() - 1 - i : i;
    }

    /** Memory for a primitive that runs many times. */
    private static @Nullable INDArray scratch(Primitive primitive, Space space) {
        return primitive.scratchFloats() == 0 ? null : space.work(primitive.scratchFloats());
    }

    private static void run(Primitive primitive, @Nullable INDArray scratch) {
        if (scratch != null) {
            primitive.with(Slot.SCRATCH, scratch);
        }
        primitive.run();
    }

    @Override
    public final @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        P made = requirePasses();
        Passes all = made;
        Sequence sequence = all.input;
        RecurrentWeights.Arrays parameters = weights.parameters();
        INDArray ofOutput = error(error, made.output().layout(), space);
        long floats = made.wide().floats();
        delta = postponed ? space.kept(floats) : space.work(floats);
        beginBackward(made, space);
        INDArray scratch = scratch(all.back(), space);
        for (int i = (int) sequence.steps() - 1; i >= 0; i--) {
            int step = at(i, sequence);
            if (i < sequence.steps() - 1) {
                all.back()
                        .with(
                                Slot.INPUT,
                                delta,
                                at(i + 1, sequence) * made.wide().step())
                        .with(Slot.WEIGHTS, parameters.recurrent())
                        .with(Slot.OUTPUT, ofOutput, step * made.output().step());
                run(all.back(), scratch);
            }
            int before = i == 0 ? NONE : at(i - 1, sequence);
            stepBack(made, output, ofOutput, delta, step, before, mask, space);
        }
        if (!wanted[0]) {
            return new Value[1];
        }
        INDArray ofInput = space.error(sequence.floats());
        run(
                all.inputError()
                        .with(Slot.INPUT, delta)
                        .with(Slot.WEIGHTS, parameters.ofInput())
                        .with(Slot.OUTPUT, ofInput),
                space);
        return new Value[] {new Value(ofInput, sequence.layout())};
    }

    private P requirePasses() {
        P made = passes;
        if (made == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        return made;
    }

    @Override
    public final boolean hasGradient() {
        return true;
    }

    @Override
    public Map<String, INDArray> views(Layer layer, INDArray gradients) {
        return weights.views(gradients, 0);
    }

    @Override
    public final Gradient gradient(Map<String, INDArray> views, boolean add, Space space) {
        P made = requirePasses();
        RecurrentWeights.Arrays sums = weights.named(views);
        INDArray turned = turned(made, space);
        write(sums.ofInput(), add, space, to -> writeOfInput(made, turned, to, space));
        write(sums.recurrent(), add, space, to -> writeRecurrent(made, turned, to, space));
        write(sums.bias(), add, space, to -> writeBias(made.wide(), to));
        Gradient gradient = new DefaultGradient();
        weights.names(sums).forEach(gradient::setGradientFor);
        delta = null;
        return gradient;
    }

    /** The gradient turned around: products with its transposed array would read it with strides that the cache takes badly. */
    private INDArray turned(P made, Space space) {
        Sequence wide = made.wide();
        INDArray turned = space.work(wide.floats());
        Layout turnedRows = Product.transposed(wide.rows(), wide.size());
        reorders().write(delta, Product.matrix(wide.rows(), wide.size()), turned, turnedRows, space);
        return turned;
    }

    private void writeOfInput(Passes made, INDArray turned, INDArray to, Space space) {
        run(
                made.inputGradient()
                        .with(Slot.INPUT, turned)
                        .with(Slot.WEIGHTS, input)
                        .with(Slot.OUTPUT, to),
                space);
    }

    /** From each step to the next, in the direction of the layer. */
    private void writeRecurrent(P made, INDArray turned, INDArray to, Space space) {
        Passes all = made;
        if (all.input.steps() == 1) {
            to.assign(0);
        } else {
            run(
                    all.recurrentGradient()
                            .with(Slot.INPUT, turned, reversed ? 0 : all.wide.examples())
                            .with(Slot.WEIGHTS, output, reversed ? all.output.step() : 0)
                            .with(Slot.OUTPUT, to),
                    space);
        }
        writePeepholes(made, delta, to);
    }

    private void writeBias(Sequence wide, INDArray bias) {
        int width = (int) wide.size();
        float[] row = new float[width];
        float[] ofStep = new float[width];
        double[] sum = new double[width];
        FloatBuffer from = HostFloats.of(delta);
        for (int step = 0; step < wide.steps(); step++) {
            Arrays.fill(ofStep, 0);
            for (int example = 0; example < wide.examples(); example++) {
                from.get((int) ((step * wide.examples() + example) * width), row, 0, width);
                for (int i = 0; i < width; i++) {
                    ofStep[i] += row[i];
                }
            }
            for (int i = 0; i < width; i++) {
                sum[i] += ofStep[i];
            }
        }
        Reference.reachabilityFence(delta);
        for (int i = 0; i < width; i++) {
            row[i] = (float) sum[i];
        }
        HostFloats.of(bias).put(0, row);
        Reference.reachabilityFence(bias);
    }

    @Override
    public final void clear() {
        passes = null;
        mask = StepMask.NONE;
        input = null;
        output = null;
        delta = null;
        clearUnits();
    }

    @Override
    public final void close() {
        super.close();
        byLayout.close();
    }
}
