package io.github.dl4jpipeline.report;

/**
 * Time steps of masked sequences, the examples of all training steps together.
 *
 * @param given those of the batches
 * @param skipped those that were not computed, since the masks of labels leave them out for every example of a micro-batch
 */
public record SequenceSteps(long given, long skipped) {}
