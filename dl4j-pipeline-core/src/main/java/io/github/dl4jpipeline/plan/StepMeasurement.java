package io.github.dl4jpipeline.plan;

/**
 * What one training step has taken.
 *
 * @param stepMillis time of its forward and backward passes
 * @param busyMillis time that each worker has spent in tasks; workers are counted through all replicas of the first stage,
 *     then those of the second, and so on
 */
@SuppressWarnings("ArrayRecordComponent") // made every step
public record StepMeasurement(double stepMillis, double[] busyMillis) {}
