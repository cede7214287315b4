package io.github.dl4jpipeline.internal.stage;

/**
 * The score of one network output for one micro-batch.
 *
 * @param score as the output layer computes it
 * @param isSum whether it is a sum over the examples; otherwise it is their mean
 */
public record OutputScore(double score, boolean isSum) {}
