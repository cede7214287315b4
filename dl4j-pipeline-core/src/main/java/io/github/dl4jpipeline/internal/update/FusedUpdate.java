package io.github.dl4jpipeline.internal.update;

import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.bytedeco.javacpp.FloatPointer;
import org.deeplearning4j.nn.updater.UpdaterBlock;
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
 * Division by the number of examples, regularization, updater and subtraction for part of one parameter array, in one pass:
 * a thousand elements at a time are copied to arrays that stay in a core's first caches, and the results back.
 */
public final class FusedUpdate {
    private static final int ELEMENTS = 1024;
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
    private record Term(boolean ofSigns, float scale) {
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
            return new Term(term instanceof L1Regularization, (float) scale);
        }
    }

    /** What there is to do at one iteration. */
    private record Pass(UpdaterRule rule, List<Term> before, List<Term> after) {}

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

    /**
     * The updates of a block's parameter arrays; empty where not all of them are fused.
     *
     * @param block has vectors as parameters, gradients and state, and an updater
     * @param isSummed whether a gradient is still to be divided by the number of examples
     */
    public static List<FusedUpdate> of(UpdaterBlock block, Predicate<ParamState> isSummed) {
        List<FusedUpdate> all = new ArrayList<>();
        if (UpdateCode.isElementWise(block)) {
            for (ParamState part : block.getLayersAndVariablesInBlock()) {
                long offset = (long) part.getParamOffsetStart() - block.getParamOffsetStart();
                FusedUpdate update = of(part, block.getGradientUpdater(), offset, isSummed.test(part));
                if (update == null) {
                    return List.of();
                }
                all.add(update);
            }
        }
        return all;
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

    /** Allocates what the calling thread needs for updates, so that none fails half done for lack of memory. */
    public static void allocateScratch() {
        SCRATCH.get();
    }

    /** Whether the regularization of now can be calculated in the same pass. */
    public boolean canRun() {
        return ParameterRegularization.isElementWise(part);
    }

    /**
     * What turns the gradient into updates. All that can fail, such as schedules, has been evaluated.
     *
     * @param subtract whether to subtract them from the parameters at once
     */
    public Runnable prepare(int iteration, int epoch, int examples, boolean subtract) {
        UpdaterRule rule = UpdaterRule.of(updater.getConfig(), iteration, epoch);
        Pass pass = new Pass(
                rule,
                terms(ApplyStep.BEFORE_UPDATER, iteration, epoch),
                terms(ApplyStep.POST_UPDATER, iteration, epoch));
        return () -> {
            try {
                run(pass, examples, subtract);
            } finally { // it has the arrays, else their memory may be freed meanwhile
                Reference.reachabilityFence(this);
            }
        };
    }

    private List<Term> terms(ApplyStep step, int iteration, int epoch) {
        return ParameterRegularization.of(part.getLayer(), part.getParamName()).stream()
                .filter(term -> term.applyStep() == step)
                .map(term -> Term.of(term, updater.getConfig(), iteration, epoch))
                .toList();
    }

    private void run(Pass pass, int examples, boolean subtract) {
        Scratch scratch = SCRATCH.get();
        boolean needsParameters =
                subtract || !pass.before().isEmpty() || !pass.after().isEmpty();
        for (int from = 0; from < gradient.capacity(); from += ELEMENTS) {
            int length = Math.min(ELEMENTS, gradient.capacity() - from);
            gradient.get(from, scratch.gradient, 0, length);
            for (int i = 0; i < state.length; i++) {
                state[i].get(from, scratch.state[i], 0, length);
            }
            if (needsParameters) {
                parameters.get(from, scratch.parameters, 0, length);
            }
            if (summed) {
                divide(scratch.gradient, length, examples);
            }
            add(pass.before(), scratch, length);
            pass.rule().apply(scratch.gradient, scratch.state, length);
            add(pass.after(), scratch, length);
            gradient.put(from, scratch.gradient, 0, length);
            for (int i = 0; i < state.length; i++) {
                state[i].put(from, scratch.state[i], 0, length);
            }
            if (subtract) {
                subtract(scratch, length);
                parameters.put(from, scratch.parameters, 0, length);
            }
        }
    }

    private static void add(List<Term> terms, Scratch scratch, int length) {
        for (Term term : terms) {
            if (term.ofSigns()) {
                addSigns(scratch, length, term.scale());
            } else {
                addScaled(scratch, length, term.scale());
            }
        }
    }

    private static void divide(float[] values, int length, float divisor) {
        for (int i = 0; i < length; i++) {
            values[i] /= divisor;
        }
    }

    private static void subtract(Scratch scratch, int length) {
        float[] parameters = scratch.parameters;
        float[] gradient = scratch.gradient;
        for (int i = 0; i < length; i++) {
            parameters[i] -= gradient[i];
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
