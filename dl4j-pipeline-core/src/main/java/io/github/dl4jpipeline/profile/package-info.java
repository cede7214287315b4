/**
 * What each vertex costs on a device: measured, saved, loaded.
 *
 * <pre>{@code
 * GraphProfile profile = GraphProfiler.profile(graph, batch);   // batch: a DataSet or a MultiDataSet
 * profile.save(Path.of("alexnet.json"));
 * }</pre>
 */
@NullMarked
package io.github.dl4jpipeline.profile;

import org.jspecify.annotations.NullMarked;
