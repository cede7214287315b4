package io.github.dl4jpipeline.schedule;

import java.util.ArrayList;
import java.util.List;

/**
 * One pass of one micro-batch through one stage.
 *
 * @param pass what is computed
 * @param stage the stage, from 0
 * @param microBatch the micro-batch, from 0
 */
public record Task(Pass pass, int stage, int microBatch) {

    /** What a task computes. */
    public enum Pass {
        /** Activations. */
        FORWARD,
        /** Errors and parameter gradients. */
        BACKWARD,
        /** The parameter gradients that the backward task has left, where the {@link Schedule} splits it. */
        WEIGHTS
    }

    public static Task forward(int stage, int microBatch) {
        return new Task(Pass.FORWARD, stage, microBatch);
    }

    public static Task backward(int stage, int microBatch) {
        return new Task(Pass.BACKWARD, stage, microBatch);
    }

    public static Task weights(int stage, int microBatch) {
        return new Task(Pass.WEIGHTS, stage, microBatch);
    }

    /**
     * The tasks that must be done before this one can start: forward needs the stage before; backward needs the stage
     * after, and its own forward; the weights need their own backward.
     */
    public List<Task> dependencies(int stages) {
        List<Task> before = new ArrayList<>(2);
        if (pass == Pass.FORWARD) {
            if (stage > 0) {
                before.add(forward(stage - 1, microBatch));
            }
        } else if (pass == Pass.BACKWARD) {
            before.add(forward(stage, microBatch));
            if (stage < stages - 1) {
                before.add(backward(stage + 1, microBatch));
            }
        } else {
            before.add(backward(stage, microBatch));
        }
        return before;
    }

    /** Short form, such as {@code F0,3}: forward, stage 0, micro-batch 3. */
    @Override
    public String toString() {
        return pass.name().charAt(0) + "" + stage + "," + microBatch;
    }
}
