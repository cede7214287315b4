/** The memory of stages: parameters, gradients, updater state, and the copies of the graph for micro-batches in flight. */
@NullMarked
package io.github.dl4jpipeline.internal.memory;

import org.jspecify.annotations.NullMarked;
