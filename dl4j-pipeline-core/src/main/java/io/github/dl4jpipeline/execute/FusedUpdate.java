package io.github.dl4jpipeline.execute;

import java.nio.FloatBuffer;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.L1Regularization;
import org.nd4j.linalg.learning.regularization.L2Regularization;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.Regularization.ApplyStep;
import org.nd4j.linalg.learning.regularization.WeightDecay;

/**
 * Division by the number of examples, regularization and updater of part of one parameter array, in one pass: some thousand
 * elements at a time are copied to arrays that stay in a core's first caches, and the results back.
 */
final class FusedUpdate {
    private static final int ELEMENTS = 4096;
    private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);

    private final ParamState part;
    private final GradientUpdater<?> updater;
    private final boolean summed;
    private final FloatBuffer parameters;
    private final FloatBuffer gradient;
    private final FloatBuffer[] state;

    private static final class Scratch {
        private final float[] parameters = new float[ELEMENTS];
        private final float[] gradient = new float[ELEMENTS];
        private final float[][] state = new float[2][ELEMENTS];
    }

    /** What regularization adds: the parameters, or their signs, times a scale. */
    private record Term(ApplyStep step, boolean ofSigns, float scale) {
        static Term of(Regularization term, IUpdater updater, int iteration, int epoch) {
            double scale;
            if (term instanceof L1Regularization l1) {
                scale = l1.getL1().valueAt(iteration, epoch);
            } else if (term instanceof L2Regularization l2) {
                scale = l2.getL2().valueAt(iteration, epoch);
            } else {
                WeightDecay decay = (WeightDecay) term;
                double rate = decay.isApplyLR() ? updater.getLearningRate(iteration, epoch) : 1;
                scale = rate * decay.getCoeff().valueAt(iteration, epoch);
            }
            return new Term(term.applyStep(), term instanceof L1Regularization, (float) scale);
        }
    }

    private FusedUpdate(
            ParamState part,
            GradientUpdater<?> updater,
            boolean summed,
            FloatBuffer parameters,
            FloatBuffer gradient,
            FloatBuffer[] state) {
        this.part = part;
        this.updater = updater;
        this.summed = summed;
        this.parameters = parameters;
        this.gradient = gradient;
        this.state = state;
    }

    /**
     * The update of part of a parameter array; null where there is none that is fused.
     *
     * @param part has views of the parameters and of their gradient, vectors
     * @param updater has vectors as its state
     * @param offset where the part begins in the state
     * @param summed whether the gradient is still to be divided by the number of examples
     */
    static @Nullable FusedUpdate of(ParamState part, GradientUpdater<?> updater, long offset, boolean summed) {
        INDArray gradient = part.getGradView();
        if (!isFloats(gradient) || !UpdaterRule.exists(updater.getConfig())) {
            return null;
        }
        List<INDArray> state = UpdaterRule.stateOf(updater.getConfig()).stream()
                .map(name -> updater.getState().get(name))
                .toList();
        if (!isFloats(part.getParamView()) || !state.stream().allMatch(FusedUpdate::isFloats)) {
            return null;
        }
        int length = (int) gradient.length();
        return new FusedUpdate(
                part,
                updater,
                summed,
                buffer(part.getParamView(), 0, length),
                buffer(gradient, 0, length),
                state.stream().map(array -> buffer(array, offset, length)).toArray(FloatBuffer[]::new));
    }

    private static boolean isFloats(@Nullable INDArray array) {
        return array != null
                && array.dataType() == DataType.FLOAT
                && (array.length() == 1 || (array.rank() == 1 && array.stride(0) == 1))
                && Nd4j.getEnvironment().isCPU();
    }

    private static FloatBuffer buffer(INDArray vector, long from, int length) {
        FloatPointer first = new FloatPointer(vector.data().addressPointer());
        return first.position(first.position() + from)
                .limit(first.position() + length)
                .asBuffer();
    }

    /** Whether the regularization of now can be calculated in the same pass. */
    boolean canRun() {
        return UpdatePiece.isElementWise(part);
    }

    /** Turns the gradient into what is to be subtracted from the parameters. */
    void update(int iteration, int epoch, int examples) {
        IUpdater config = updater.getConfig();
        UpdaterRule rule = UpdaterRule.of(config, iteration, epoch);
        List<Term> terms = UpdatePiece.regularization(part.getLayer(), part.getParamName()).stream()
                .map(term -> Term.of(term, config, iteration, epoch))
                .toList();
        Scratch scratch = SCRATCH.get();
        for (int from = 0; from < gradient.capacity(); from += ELEMENTS) {
            int length = Math.min(ELEMENTS, gradient.capacity() - from);
            gradient.get(from, scratch.gradient, 0, length);
            for (int i = 0; i < state.length; i++) {
                state[i].get(from, scratch.state[i], 0, length);
            }
            if (!terms.isEmpty()) {
                parameters.get(from, scratch.parameters, 0, length);
            }
            if (summed) {
                divide(scratch.gradient, length, examples);
            }
            add(terms, ApplyStep.BEFORE_UPDATER, scratch, length);
            rule.apply(scratch.gradient, scratch.state, length);
            add(terms, ApplyStep.POST_UPDATER, scratch, length);
            gradient.put(from, scratch.gradient, 0, length);
            for (int i = 0; i < state.length; i++) {
                state[i].put(from, scratch.state[i], 0, length);
            }
        }
    }

    private static void add(List<Term> terms, ApplyStep step, Scratch scratch, int length) {
        for (Term term : terms) {
            if (term.step() == step && term.ofSigns()) {
                addSigns(scratch, length, term.scale());
            } else if (term.step() == step) {
                addScaled(scratch, length, term.scale());
            }
        }
    }

    private static void divide(float[] values, int length, float divisor) {
        for (int i = 0; i < length; i++) {
            values[i] /= divisor;
        }
    }

    private static void addScaled(Scratch scratch, int length, float scale) {
        float[] parameters = scratch.parameters;
        float[] gradient = scratch.gradient;
        for (int i = 0; i < length; i++) {
            gradient[i] += scale * parameters[i];
        }
    }

    /** Adds the scale with the sign of each parameter, nothing for those that are zero. */
    private static void addSigns(Scratch scratch, int length, float scale) {
        float[] parameters = scratch.parameters;
        float[] gradient = scratch.gradient;
        for (int i = 0; i < length; i++) { // without a condition, which would keep it from being vectorized
            float beyondOne = parameters[i] * Float.MAX_VALUE * Float.MAX_VALUE;
            gradient[i] += scale * Math.max(-1, Math.min(1, beyondOne));
        }
    }
}
