/**
 * A graph cut into stages. Pure numbers; no array is touched here.
 *
 * <p>{@link io.github.dl4jpipeline.partition.PartitionPlan} is the plan that people read and training follows. Its
 * stages are {@link io.github.dl4jpipeline.partition.Stage}s.
 */
@NullMarked
package io.github.dl4jpipeline.partition;

import org.jspecify.annotations.NullMarked;
