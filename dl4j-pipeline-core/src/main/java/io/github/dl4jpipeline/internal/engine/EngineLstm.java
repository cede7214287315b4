package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.HostFloats;
import io.github.dl4jpipeline.internal.onednn.Layout;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Map;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.layers.recurrent.LSTM;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Long short-term memory, with or without peepholes. Of each unit the weights lead to four values: its new content, the gate that
 * forgets, the gate of the output and the gate of the input.
 *
 * <p>Values of one gate for all examples are side by side while a step is computed: {@code [steps][gates][examples][units]}.
 */
@SuppressWarnings("ReachabilityFenceUsage") // where a loop fails, it reads no more
final class EngineLstm extends EngineRecurrent<EngineLstm.Units> {
    static final int GATES = 4;
    static final int PEEPHOLES = 3;

    private static final int CONTENT = 0;
    private static final int FORGET = 1;
    private static final int OUTPUT = 2;
    private static final int INPUT = 3;

    /** Floats in an array of Java that loops run over. */
    private static final int CHUNK = 1024;

    private final IActivation function;
    private final IActivation gate;
    private final boolean masksErrors;

    /** For each step in training, for one step in inference. */
    private @Nullable INDArray gates;

    /** Derivatives of what is in {@link #gates}, for functions that keep them; elsewhere the same array. */
    private @Nullable INDArray gateSlopes;

    private @Nullable INDArray memory;

    /** The function of the memory. */
    private @Nullable INDArray squashed;

    /** What the derivative of the function of the memory follows from. */
    private @Nullable INDArray slopes;

    /** The error of the memory that comes from the step behind. */
    private @Nullable INDArray memoryError;

    private @Nullable INDArray gateErrors;

    /** Of one step. */
    private @Nullable INDArray maskedMemory;

    private boolean training;

    /**
     * @param function of content and memory
     * @param gate of the gates
     * @param masksErrors whether no error enters a step that is masked, as in Deeplearning4j's layers with peepholes only
     */
    EngineLstm(
            RecurrentWeights weights,
            RNNFormat format,
            boolean reversed,
            IActivation function,
            IActivation gate,
            boolean masksErrors) {
        super(weights, format, reversed);
        this.function = function;
        this.gate = gate;
        this.masksErrors = masksErrors;
    }

    /** What is there for one shape of input. */
    static final class Units extends EngineRecurrent.Passes {
        private final UnitFunction function;
        private final UnitFunction gate;
        private final Layout byExample;
        private final Layout byGate;
        private final int units;
        private final int chunk;
        private final float[][] lanes;

        Units(Sequence input, RecurrentWeights weights, IActivation function, IActivation gate) {
            super(input, weights);
            long examples = input.examples();
            long size = weights.units();
            this.function = new UnitFunction(function, examples * size);
            this.gate = new UnitFunction(gate, examples * size);
            byExample = Layout.rowMajor(examples, GATES, size);
            byGate = Layout.strided(new long[] {examples, GATES, size}, new long[] {size, examples * size, 1});
            units = (int) size;
            chunk = units * (int) Math.min(examples, Math.max(1, CHUNK / units));
            lanes = new float[14][chunk];
        }

        int chunk() {
            return chunk;
        }

        int step() {
            return (int) output().step();
        }

        @Override
        public void close() {
            super.close();
            function.close();
            gate.close();
        }
    }

    @Override
    Units make(Sequence sequence) {
        return new Units(sequence, weights(), function, gate);
    }

    @Override
    void begin(Units made, StepMask mask, boolean forTraining, Space space) {
        training = forTraining;
        long floats = forTraining ? made.output().floats() : made.output().step();
        gates = forTraining ? space.activation(GATES * floats) : space.work(GATES * floats);
        memory = forTraining ? space.activation(floats) : space.work(floats);
        squashed = forTraining ? space.activation(floats) : space.work(floats);
        boolean keeps = UnitFunction.keepsDerivative(function) || UnitFunction.keepsDerivative(gate);
        gateSlopes = forTraining && keeps ? space.activation(GATES * floats) : gates;
        boolean follow = mask.isNone() && !UnitFunction.keepsDerivative(function);
        slopes = forTraining && !follow ? space.activation(floats) : squashed;
        maskedMemory = forTraining && !mask.isNone() ? space.work(made.output().step()) : null;
    }

    @Override
    void resume(Map<String, INDArray> state) {
        INDArray first = state.get(LSTM.STATE_KEY_PREV_MEMCELL);
        memory.assign(inRows(first).reshape(first.length()));
    }

    @Override
    void carry(Units made, int last, Map<String, INDArray> state) {
        state.put(LSTM.STATE_KEY_PREV_MEMCELL, atStep(made, memory, kept(last)));
    }

    /** Where a step is in the arrays that are kept, counted in steps. */
    private int kept(int step) {
        return training ? step : 0;
    }

    private long gateAt(Units made, int step, int which) {
        return ((long) kept(step) * GATES + which) * made.step();
    }

    private void apply(Units made, int step, int which, Space space) {
        IActivation applied = which == CONTENT ? function : gate;
        boolean keeps = training && UnitFunction.keepsDerivative(applied);
        UnitFunction code = which == CONTENT ? made.function : made.gate;
        long at = gateAt(made, step, which);
        code.apply(gates, at, keeps ? gateSlopes : null, at, space);
    }

    @Override
    void step(Units made, INDArray wide, INDArray output, int step, int before, StepMask mask, Space space) {
        long wideAt = step * made.wide().step();
        reorders().write(wide, wideAt, made.byExample, gates, gateAt(made, step, 0), made.byGate, space);
        if (before != NONE) {
            addPeephole(made, step, FORGET, before);
            addPeephole(made, step, INPUT, before);
        }
        apply(made, step, CONTENT, space);
        apply(made, step, FORGET, space);
        apply(made, step, INPUT, space);
        remember(made, step, before);
        addPeephole(made, step, OUTPUT, step);
        apply(made, step, OUTPUT, space);
        long at = (long) kept(step) * made.step();
        boolean keeps = training && UnitFunction.keepsDerivative(function);
        made.function.apply(squashed, at, keeps && mask.isNone() ? slopes : null, at, space);
        putOut(made, output, step, mask);
        if (training && !mask.isNone()) {
            derivativeOfMasked(made, step, space);
        }
    }

    /** Deeplearning4j takes the derivative of the function at the memory as the mask has left it. */
    private void derivativeOfMasked(Units made, int step, Space space) {
        int at = kept(step) * made.step();
        FloatBuffer from = HostFloats.of(memory);
        if (UnitFunction.keepsDerivative(function)) {
            HostFloats.of(maskedMemory).put(0, from, at, made.step());
            made.function.apply(maskedMemory, 0, slopes, at, space);
        } else {
            HostFloats.of(slopes).put(at, from, at, made.step());
            made.function.apply(slopes, at, null, at, space);
        }
        fence();
    }

    /** Adds to a gate what it sees of the memory at a step. */
    private void addPeephole(Units made, int step, int which, int ofStep) {
        if (weights().peepholes() == 0) {
            return;
        }
        FloatBuffer ofGates = HostFloats.of(gates);
        FloatBuffer ofMemory = HostFloats.of(memory);
        float[] gate = made.lanes[0];
        float[] seen = made.lanes[1];
        float[] weight = peephole(made, which, made.lanes[2]);
        int gateAt = (int) gateAt(made, step, which);
        int memoryAt = kept(ofStep) * made.step();
        for (int begin = 0; begin < made.step(); begin += made.chunk) {
            int length = Math.min(made.chunk, made.step() - begin);
            ofGates.get(gateAt + begin, gate, 0, length);
            ofMemory.get(memoryAt + begin, seen, 0, length);
            for (int i = 0; i < length; i++) {
                gate[i] += weight[i] * seen[i];
            }
            ofGates.put(gateAt + begin, gate, 0, length);
        }
        fence();
    }

    /** Weights of a gate's peepholes, again and again for each example. */
    private float[] peephole(Units made, int which, float[] to) {
        INDArray recurrent = weights().parameters().recurrent();
        FloatBuffer from = HostFloats.of(recurrent);
        from.get((int) peepholeAt(made, which), to, 0, made.units);
        for (int at = made.units; at < made.chunk; at += made.units) {
            System.arraycopy(to, 0, to, at, made.units);
        }
        Reference.reachabilityFence(recurrent);
        return to;
    }

    /** Behind the weights of the gates: those of the gate that forgets, of the output and of the input. */
    private static long peepholeAt(Units made, int which) {
        return ((long) GATES * made.units + which - FORGET) * made.units;
    }

    /** The new memory, twice: as it is kept, and where the function is applied to it. */
    private void remember(Units made, int step, int before) {
        FloatBuffer ofGates = HostFloats.of(gates);
        FloatBuffer ofMemory = HostFloats.of(memory);
        FloatBuffer toSquash = HostFloats.of(squashed);
        float[] content = made.lanes[0];
        float[] forget = made.lanes[1];
        float[] enter = made.lanes[2];
        float[] old = made.lanes[3];
        int contentAt = (int) gateAt(made, step, CONTENT);
        int forgetAt = (int) gateAt(made, step, FORGET);
        int enterAt = (int) gateAt(made, step, INPUT);
        int at = kept(step) * made.step();
        for (int begin = 0; begin < made.step(); begin += made.chunk) {
            int length = Math.min(made.chunk, made.step() - begin);
            ofGates.get(contentAt + begin, content, 0, length);
            ofGates.get(enterAt + begin, enter, 0, length);
            for (int i = 0; i < length; i++) {
                content[i] *= enter[i];
            }
            if (before != NONE) {
                ofGates.get(forgetAt + begin, forget, 0, length);
                ofMemory.get(kept(before) * made.step() + begin, old, 0, length);
                for (int i = 0; i < length; i++) {
                    content[i] += forget[i] * old[i];
                }
            }
            ofMemory.put(at + begin, content, 0, length);
            toSquash.put(at + begin, content, 0, length);
        }
        fence();
    }

    /** The output of a step; it and the memory are 0 where the step is masked. */
    private void putOut(Units made, INDArray output, int step, StepMask mask) {
        FloatBuffer ofGates = HostFloats.of(gates);
        FloatBuffer ofSquashed = HostFloats.of(squashed);
        FloatBuffer ofMemory = HostFloats.of(memory);
        FloatBuffer to = HostFloats.of(output);
        float[] open = made.lanes[0];
        float[] value = made.lanes[1];
        int openAt = (int) gateAt(made, step, OUTPUT);
        int at = kept(step) * made.step();
        for (int begin = 0; begin < made.step(); begin += made.chunk) {
            int length = Math.min(made.chunk, made.step() - begin);
            ofGates.get(openAt + begin, open, 0, length);
            ofSquashed.get(at + begin, value, 0, length);
            for (int i = 0; i < length; i++) {
                value[i] *= open[i];
            }
            zeroMasked(made, value, begin, length, step, mask);
            to.put(step * made.step() + begin, value, 0, length);
            if (!mask.isNone()) {
                ofMemory.get(at + begin, value, 0, length);
                zeroMasked(made, value, begin, length, step, mask);
                ofMemory.put(at + begin, value, 0, length);
            }
        }
        Reference.reachabilityFence(output);
        fence();
    }

    private static void zeroMasked(Units made, float[] values, int begin, int length, int step, StepMask mask) {
        if (mask.isNone()) {
            return;
        }
        for (int i = 0; i < length; i += made.units) {
            if (!mask.has((begin + i) / made.units, step)) {
                Arrays.fill(values, i, i + made.units, 0);
            }
        }
    }

    @Override
    void beginBackward(Units made, Space space) {
        memoryError = space.work(made.step()).assign(0);
        gateErrors = space.work((long) GATES * made.step()).assign(0);
    }

    @Override
    void stepBack(
            Units made,
            INDArray output,
            INDArray error,
            INDArray delta,
            int step,
            int before,
            StepMask mask,
            Space space) {
        float[][] lanes = made.lanes;
        boolean peepholes = weights().peepholes() > 0;
        float[] ofForget = peepholes ? peephole(made, FORGET, lanes[11]) : lanes[11];
        float[] ofOutput = peepholes ? peephole(made, OUTPUT, lanes[12]) : lanes[12];
        float[] ofInput = peepholes ? peephole(made, INPUT, lanes[13]) : lanes[13];
        Step buffers = new Step(made, error, step, before);
        for (int begin = 0; begin < made.step(); begin += made.chunk) {
            int length = Math.min(made.chunk, made.step() - begin);
            buffers.stepBack(begin, length, ofForget, ofOutput, ofInput, peepholes, mask);
        }
        Reference.reachabilityFence(error);
        fence();
        reorders().write(gateErrors, 0, made.byGate, delta, step * made.wide().step(), made.byExample, space);
    }

    /** The backward pass of a step, chunk by chunk. */
    private final class Step {
        private final Units made;
        private final int step;
        private final int before;
        private final FloatBuffer errors;
        private final FloatBuffer ofGates = HostFloats.of(gates);
        private final FloatBuffer ofGateSlopes = HostFloats.of(gateSlopes);
        private final FloatBuffer ofSquashed = HostFloats.of(squashed);
        private final FloatBuffer ofSlopes = HostFloats.of(slopes);
        private final FloatBuffer ofMemory = HostFloats.of(memory);
        private final FloatBuffer ofMemoryError = HostFloats.of(memoryError);
        private final FloatBuffer ofGateErrors = HostFloats.of(gateErrors);

        Step(Units made, INDArray error, int step, int before) {
            this.made = made;
            this.step = step;
            this.before = before;
            this.errors = HostFloats.of(error);
        }

        private float[] gate(int which, int lane, int begin, int length) {
            ofGates.get((int) gateAt(made, step, which) + begin, made.lanes[lane], 0, length);
            return made.lanes[lane];
        }

        /** Multiplies errors by the derivative of a gate, or of the content. */
        private void throughGate(int which, float[] values, float[] gateErrors, int begin, int length) {
            IActivation applied = which == CONTENT ? function : gate;
            float[] kept = values;
            if (UnitFunction.keepsDerivative(applied)) {
                kept = made.lanes[10];
                ofGateSlopes.get((int) gateAt(made, step, which) + begin, kept, 0, length);
            }
            UnitFunction.multiply(applied, gateErrors, kept, length);
        }

        private void put(int which, float[] gateErrors, int begin, int length, StepMask mask) {
            if (masksErrors) {
                zeroMasked(made, gateErrors, begin, length, step, mask);
            }
            ofGateErrors.put(which * made.step() + begin, gateErrors, 0, length);
        }

        void stepBack(
                int begin,
                int length,
                float[] ofForget,
                float[] ofOutput,
                float[] ofInput,
                boolean peepholes,
                StepMask mask) {
            int at = step * made.step() + begin;
            float[] error = made.lanes[0];
            errors.get(at, error, 0, length);
            float[] open = gate(OUTPUT, 1, begin, length);
            float[] value = made.lanes[2];
            ofSquashed.get(at, value, 0, length);
            float[] openError = made.lanes[3];
            for (int i = 0; i < length; i++) {
                openError[i] = error[i] * value[i];
                error[i] *= open[i];
            }
            throughGate(OUTPUT, open, openError, begin, length);
            ofSlopes.get(at, value, 0, length);
            UnitFunction.multiply(function, error, value, length);
            float[] behind = made.lanes[4];
            ofMemoryError.get(begin, behind, 0, length);
            for (int i = 0; i < length; i++) {
                error[i] += behind[i]; // from here on the error of the memory
            }
            if (peepholes) {
                float[] forgetBehind = made.lanes[5];
                float[] enterBehind = made.lanes[6];
                ofGateErrors.get(FORGET * made.step() + begin, forgetBehind, 0, length);
                ofGateErrors.get(INPUT * made.step() + begin, enterBehind, 0, length);
                for (int i = 0; i < length; i++) {
                    error[i] +=
                            forgetBehind[i] * ofForget[i] + enterBehind[i] * ofInput[i] + openError[i] * ofOutput[i];
                }
            }
            put(OUTPUT, openError, begin, length, mask);
            float[] content = gate(CONTENT, 1, begin, length);
            float[] forget = gate(FORGET, 2, begin, length);
            float[] enter = gate(INPUT, 3, begin, length);
            float[] contentError = made.lanes[5];
            float[] forgetError = made.lanes[6];
            float[] enterError = made.lanes[7];
            float[] old = made.lanes[8];
            if (before == NONE) {
                Arrays.fill(old, 0, length, 0);
            } else {
                ofMemory.get(before * made.step() + begin, old, 0, length);
            }
            for (int i = 0; i < length; i++) {
                contentError[i] = error[i] * enter[i];
                forgetError[i] = error[i] * old[i];
                enterError[i] = error[i] * content[i];
                behind[i] = error[i] * forget[i];
            }
            ofMemoryError.put(begin, behind, 0, length);
            throughGate(CONTENT, content, contentError, begin, length);
            throughGate(FORGET, forget, forgetError, begin, length);
            throughGate(INPUT, enter, enterError, begin, length);
            put(CONTENT, contentError, begin, length, mask);
            put(FORGET, forgetError, begin, length, mask);
            put(INPUT, enterError, begin, length, mask);
        }
    }

    @Override
    void writePeepholes(Units made, INDArray delta, INDArray recurrent) {
        if (weights().peepholes() == 0) {
            return;
        }
        int units = made.units;
        double[][] sums = new double[PEEPHOLES][units];
        float[] row = new float[GATES * units];
        float[] seen = new float[units];
        FloatBuffer errors = HostFloats.of(delta);
        FloatBuffer ofMemory = HostFloats.of(memory);
        int steps = (int) made.output().steps();
        int examples = (int) made.output().examples();
        for (int i = 0; i < steps; i++) {
            int step = isReversed() ? steps - 1 - i : i;
            int before = isReversed() ? step + 1 : step - 1;
            for (int example = 0; example < examples; example++) {
                errors.get((step * examples + example) * GATES * units, row, 0, row.length);
                ofMemory.get((step * examples + example) * units, seen, 0, units);
                add(row, OUTPUT, seen, sums);
                if (i > 0) {
                    ofMemory.get((before * examples + example) * units, seen, 0, units);
                    add(row, FORGET, seen, sums);
                    add(row, INPUT, seen, sums);
                }
            }
        }
        Reference.reachabilityFence(delta);
        FloatBuffer to = HostFloats.of(recurrent);
        for (int which = FORGET; which <= INPUT; which++) {
            for (int i = 0; i < units; i++) {
                to.put((int) peepholeAt(made, which) + i, (float) sums[which - FORGET][i]);
            }
        }
        Reference.reachabilityFence(recurrent);
        fence();
    }

    private static void add(float[] row, int which, float[] seen, double[][] sums) {
        double[] sum = sums[which - FORGET];
        for (int i = 0; i < seen.length; i++) {
            sum[i] += row[which * seen.length + i] * seen[i];
        }
    }

    private void fence() { // else their memory may be freed while loops run
        Reference.reachabilityFence(gates);
        Reference.reachabilityFence(gateSlopes);
        Reference.reachabilityFence(memory);
        Reference.reachabilityFence(squashed);
        Reference.reachabilityFence(slopes);
        Reference.reachabilityFence(memoryError);
        Reference.reachabilityFence(gateErrors);
        Reference.reachabilityFence(maskedMemory);
    }

    @Override
    void clearUnits() {
        gates = null;
        gateSlopes = null;
        memory = null;
        squashed = null;
        slopes = null;
        memoryError = null;
        gateErrors = null;
        maskedMemory = null;
    }
}
