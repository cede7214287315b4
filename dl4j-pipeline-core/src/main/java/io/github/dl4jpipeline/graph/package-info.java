/**
 * What users say about a graph: its outline, the code of its layers, and how near a gradient must be to plain
 * Deeplearning4j's.
 *
 * <p>{@link io.github.dl4jpipeline.graph.Kernels} chooses the code of layers,
 * {@link io.github.dl4jpipeline.graph.BatchNormStatistics} the examples that batch normalization sees.
 * {@link io.github.dl4jpipeline.graph.SameGradient} compares two gradients.
 */
@NullMarked
package io.github.dl4jpipeline.graph;

import org.jspecify.annotations.NullMarked;
