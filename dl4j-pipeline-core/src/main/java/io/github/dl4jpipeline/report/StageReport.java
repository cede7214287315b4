package io.github.dl4jpipeline.report;

/**
 * What one stage has done.
 *
 * @param busyMillis mean time that each of its replicas spends in tasks, transfers included, per step
 * @param memoryBytes activation and working memory that it has reserved, for all its replicas
 */
public record StageReport(double busyMillis, long memoryBytes) {}
