/**
 * A computation graph as a directed acyclic graph of vertices, and what of it cannot be pipelined.
 *
 * <p>{@link io.github.dl4jpipeline.internal.graph.VertexGraph#of VertexGraph.of(graph)} reads the vertices in Deeplearning4j's
 * topological order; everything downstream refers to a vertex by its position in that order.
 */
@NullMarked
package io.github.dl4jpipeline.graph;

import org.jspecify.annotations.NullMarked;
