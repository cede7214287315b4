/**
 * Pipeline-parallel training for Deeplearning4j.
 *
 * <pre>{@code
 * try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph).build()) {
 *     net.fit(iterator, 5);
 * }
 * graph.save(file);   // the wrapped graph has learned what the pipeline has
 * }</pre>
 *
 * <p>The graph is profiled on the first batch, cut into stages by measured cost, and trained in micro-batches whose
 * forward and backward passes overlap on the devices. The result is that of {@code graph.fit}.
 */
@NullMarked
package io.github.dl4jpipeline;

import org.jspecify.annotations.NullMarked;
