/**
 * A page in Deeplearning4j's training UI that shows what a pipeline does.
 *
 * <pre>{@code
 * StatsStorage storage = new InMemoryStatsStorage();
 * UIServer.getInstance().attach(storage);
 * try (PipelineStatsListener statistics = new PipelineStatsListener(storage);
 *         PipelineComputationGraph net = PipelineComputationGraph.builder(graph).listener(statistics).build()) {
 *     net.setListeners(new StatsListener(storage));
 *     net.fit(iterator, 5);
 * }
 * }</pre>
 *
 * <p>The page is at {@code /pipeline} of the server.
 */
@NullMarked
package io.github.dl4jpipeline.ui;

import org.jspecify.annotations.NullMarked;
