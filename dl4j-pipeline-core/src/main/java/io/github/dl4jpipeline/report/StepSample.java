package io.github.dl4jpipeline.report;

/**
 * The mean of some steps on end, a point of a curve.
 *
 * @param iteration of the last of them
 * @param score mean of their scores
 * @param examplesPerSecond examples that they have trained, by the time of their forward and backward passes
 */
public record StepSample(long iteration, double score, double examplesPerSecond) {}
