package io.github.dl4jpipeline.internal.engine;

/**
 * Where a micro-batch stands among those whose parameter gradients are added up one after another in a step.
 *
 * @param first whether none has been before it
 * @param examples of the micro-batch
 * @param later examples of those after it
 */
public record GradientTurn(boolean first, long examples, long later) {
    /** Whether none comes after it. */
    public boolean last() {
        return later == 0;
    }
}
