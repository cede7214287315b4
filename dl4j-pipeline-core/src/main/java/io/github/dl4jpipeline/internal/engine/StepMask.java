package io.github.dl4jpipeline.internal.engine;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Which steps of each example are there. */
final class StepMask {
    /** All are. */
    static final StepMask NONE = new StepMask(new float[0], 0);

    /** By example and step. */
    private final float[] values;

    private final int steps;

    private StepMask(float[] values, int steps) {
        this.values = values;
        this.steps = steps;
    }

    /**
     * Takes a mask of Deeplearning4j.
     *
     * @param mask {@code [examples, steps]}
     * @return null if it has another shape, or values besides 0 and 1
     */
    static @Nullable StepMask of(INDArray mask, Sequence sequence) {
        boolean fits = mask.rank() == 2 && mask.size(0) == sequence.examples() && mask.size(1) == sequence.steps();
        if (!fits) {
            return null;
        }
        float[] values = mask.dup('c').reshape(mask.length()).toFloatVector();
        boolean whole = true;
        for (float value : values) {
            if (value != 0 && value != 1) {
                return null;
            }
            whole &= value == 1;
        }
        return whole ? NONE : new StepMask(values, (int) mask.size(1));
    }

    boolean isNone() {
        return values.length == 0;
    }

    boolean has(int example, int step) {
        return isNone() || values[example * steps + step] != 0;
    }

    /** The last step that is there; -1 if none is. */
    int last(int example) {
        int step = steps - 1;
        while (step >= 0 && !has(example, step)) {
            step--;
        }
        return step;
    }
}
