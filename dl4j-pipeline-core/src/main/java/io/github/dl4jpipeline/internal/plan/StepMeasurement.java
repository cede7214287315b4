package io.github.dl4jpipeline.internal.plan;

/**
 * What one training step has taken.
 *
 * @param stepMillis time of its forward and backward passes
 * @param busyMillis time that each replica of each stage has spent in tasks: those of the first stage, then those of the
 *     second, and so on
 */
@SuppressWarnings("ArrayRecordComponent") // made every step
public record StepMeasurement(double stepMillis, double[] busyMillis) {}
