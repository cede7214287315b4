package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.HostFloats;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A recurrent layer whose output is a function of what its weights lead to. */
final class EngineSimpleRnn extends EngineRecurrent<EngineSimpleRnn.Units> {
    private final IActivation function;

    /** Derivatives at all steps, if the function keeps them. */
    private @Nullable INDArray slopes;

    EngineSimpleRnn(RecurrentWeights weights, RNNFormat format, boolean reversed, IActivation function) {
        super(weights, format, reversed);
        this.function = function;
    }

    /** What is there for one shape of input. */
    static final class Units extends EngineRecurrent.Passes {
        private final UnitFunction function;
        private final float[] errors;
        private final float[] kept;

        Units(Sequence input, RecurrentWeights weights, IActivation function) {
            super(input, weights);
            this.function = new UnitFunction(function, output().step());
            errors = new float[(int) weights.units()];
            kept = new float[(int) weights.units()];
        }

        @Override
        public void close() {
            super.close();
            function.close();
        }
    }

    @Override
    Units make(Sequence sequence) {
        return new Units(sequence, weights(), function);
    }

    @Override
    void begin(Units made, StepMask mask, boolean training, Space space) {
        boolean keeps = training && UnitFunction.keepsDerivative(function);
        slopes = keeps ? space.activation(made.output().floats()) : null;
    }

    @Override
    void step(Units made, INDArray wide, INDArray output, int step, int before, StepMask mask, Space space) {
        int length = (int) made.output().step();
        int at = step * length;
        FloatBuffer to = HostFloats.of(output);
        to.put(at, HostFloats.of(wide), at, length);
        Reference.reachabilityFence(wide);
        made.function.apply(output, at, slopes, at, space);
        if (!mask.isNone()) {
            Arrays.fill(made.errors, 0);
            for (int example = 0; example < made.output().examples(); example++) {
                if (!mask.has(example, step)) {
                    to.put(at + example * made.errors.length, made.errors);
                }
            }
        }
        Reference.reachabilityFence(output);
    }

    @Override
    void beginBackward(Units made, Space space) {
        // units hand nothing back but the error of their output
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
        FloatBuffer from = HostFloats.of(error);
        FloatBuffer to = HostFloats.of(delta);
        INDArray known = slopes == null ? output : slopes;
        FloatBuffer ofKnown = HostFloats.of(known);
        int units = made.errors.length;
        int examples = (int) made.output().examples();
        for (int example = 0; example < examples; example++) {
            int at = (step * examples + example) * units;
            if (mask.has(example, step)) {
                from.get(at, made.errors);
                ofKnown.get(at, made.kept);
                UnitFunction.multiply(function, made.errors, made.kept, units);
            } else {
                Arrays.fill(made.errors, 0);
            }
            to.put(at, made.errors);
        }
        Reference.reachabilityFence(error);
        Reference.reachabilityFence(delta);
        Reference.reachabilityFence(known);
    }

    @Override
    void clearUnits() {
        slopes = null;
    }
}
