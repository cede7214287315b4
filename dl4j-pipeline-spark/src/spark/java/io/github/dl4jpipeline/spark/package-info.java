/**
 * Training of one graph by the executors of a Spark cluster, with the result of plain {@code fit}.
 *
 * <pre>{@code
 * SparkPipeline pipeline = SparkPipeline.on(sc, graph).stages(2).replicas(2).checkpointEvery(100).build();
 * pipeline.fit(batches, 5);    // a JavaRDD<DataSet>, whose elements are the batches
 * graph.save(file);
 * }</pre>
 */
@NullMarked
package io.github.dl4jpipeline.spark;

import org.jspecify.annotations.NullMarked;
