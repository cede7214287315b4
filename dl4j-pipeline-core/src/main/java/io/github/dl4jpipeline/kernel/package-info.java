/**
 * Runs the vertices of a graph for one micro-batch, with memory that belongs to the micro-batch.
 *
 * <p>A {@link io.github.dl4jpipeline.kernel.GraphReplica} holds the layer objects and the arrays of one micro-batch in
 * flight; its parameters are those of the original graph. {@link io.github.dl4jpipeline.kernel.StageKernel} runs a
 * stage's vertices on it, forward and backward, with the faster layers of this package or with Deeplearning4j's own.
 *
 * <p>Nothing here belongs to a thread: any thread may run any task of a replica, one at a time.
 */
@NullMarked
package io.github.dl4jpipeline.kernel;

import org.jspecify.annotations.NullMarked;
