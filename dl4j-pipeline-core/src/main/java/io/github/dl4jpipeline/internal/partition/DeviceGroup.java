package io.github.dl4jpipeline.internal.partition;

/**
 * Devices that are alike, so that it does not matter which of them a stage gets.
 *
 * @param speed relative speed of each
 * @param memoryBytes memory of each
 * @param count how many there are
 */
public record DeviceGroup(double speed, long memoryBytes, int count) {}
