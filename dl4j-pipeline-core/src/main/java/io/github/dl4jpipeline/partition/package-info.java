/**
 * Cuts a graph into stages. Pure numbers; no array is touched here.
 *
 * <p>{@link io.github.dl4jpipeline.internal.partition.Partitioner} finds the cuts,
 * {@link io.github.dl4jpipeline.partition.PartitionPlan} is the result that people read and training follows.
 */
@NullMarked
package io.github.dl4jpipeline.partition;

import org.jspecify.annotations.NullMarked;
