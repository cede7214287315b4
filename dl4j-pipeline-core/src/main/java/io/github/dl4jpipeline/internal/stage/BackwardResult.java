package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.layers.Moments;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.gradient.Gradient;

/**
 * What a backward task leaves.
 *
 * @param gradients of each vertex, by position: views of the arrays bound with {@link GraphCopy#bindGradients}
 * @param scores of the network outputs in the stage
 * @param moments of the input of each batch normalization, by position; only those of part of a batch
 */
public record BackwardResult(Map<Integer, Gradient> gradients, List<Score> scores, Map<Integer, Moments> moments) {
    /**
     * The score of a network output for one micro-batch.
     *
     * @param isSum whether it is a sum over the examples, or else their mean
     */
    public record Score(double score, boolean isSum) {}
}
