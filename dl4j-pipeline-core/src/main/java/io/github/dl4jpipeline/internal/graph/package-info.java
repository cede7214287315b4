/** The graph as a DAG, what couples the examples of a batch, what cannot be pipelined, and how arrays are compared. */
@NullMarked
package io.github.dl4jpipeline.internal.graph;

import org.jspecify.annotations.NullMarked;
