package io.github.dl4jpipeline.spark;

import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.spark.SparkSettings;
import io.github.dl4jpipeline.internal.spark.SparkTraining;
import io.github.dl4jpipeline.partition.PartitionPlan;
import java.util.Optional;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Trains a graph over the executors of a Spark cluster: its stages on different executors, and replicas of stages. The result is that
 * of plain {@code fit} with the same batches.
 *
 * <p>Each element of an RDD is one batch. They are trained in the order of the RDD. It must give the same elements whenever it is
 * computed.
 *
 * <p>When {@code fit} returns, the graph on the driver has parameters, updater state and counts. In between it has those of the last
 * checkpoint. Its listeners are called on the driver, once for each step, with score and iteration, some time after the step.
 *
 * <p>If executors are lost, training goes on from the last checkpoint. If a step fails, {@code fit} throws
 * {@link io.github.dl4jpipeline.exception.PipelineException} with the machine, stage, vertex and micro-batch, and the graph is as after
 * the last checkpoint.
 */
public final class SparkPipeline {
    private final SparkTraining training;

    SparkPipeline(JavaSparkContext sc, ComputationGraph graph, SparkSettings settings) {
        this.training = new SparkTraining(sc, graph, settings);
    }

    /** For training a graph on a cluster. The graph is initialised if it has not been. */
    public static SparkPipelineBuilder on(JavaSparkContext sc, ComputationGraph graph) {
        return new SparkPipelineBuilder(Given.notNull("The Spark context", sc), Given.notNull("The graph", graph));
    }

    /**
     * Trains with every batch, {@code epochs} times.
     *
     * @throws io.github.dl4jpipeline.exception.PipelineException if a step fails, or workers were lost too often
     */
    public void fit(JavaRDD<DataSet> batches, int epochs) {
        fitMultiDataSet(Given.notNull("The RDD of batches", batches).map(DataSet::toMultiDataSet), epochs);
    }

    /** As {@link #fit}, for graphs with several inputs or outputs. Java cannot tell the two apart by the type of the elements. */
    public void fitMultiDataSet(JavaRDD<MultiDataSet> batches, int epochs) {
        if (epochs < 1) {
            throw new IllegalArgumentException("epochs must be at least 1, got " + epochs);
        }
        training.fit(Given.notNull("The RDD of batches", batches), epochs);
    }

    /** How the graph is trained; empty before the first {@code fit} if that makes the plan. Its devices only count the replicas. */
    public Optional<PartitionPlan> plan() {
        return training.plan();
    }
}
