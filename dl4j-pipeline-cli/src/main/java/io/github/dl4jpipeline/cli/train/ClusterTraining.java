package io.github.dl4jpipeline.cli.train;

import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntFunction;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;

/** Training on a cluster, for {@code train --spark}. {@code dl4j-pipeline-spark} has it, if it is built with {@code -Pspark}. */
public interface ClusterTraining {
    /**
     * Where and how to train.
     *
     * @param master the cluster's address, such as {@code spark://host:7077}
     * @param epochs how many
     * @param stages number of stages; empty if the planner chooses, as for the others
     */
    record Settings(String master, int epochs, OptionalInt stages, OptionalInt replicas, OptionalInt microBatches) {}

    /**
     * Trains a graph, whose listeners are told of each step.
     *
     * @param batches gives those of an epoch, counted from 0
     * @return how it was trained, in a line
     */
    String train(ComputationGraph graph, IntFunction<List<DataSet>> batches, Settings settings);
}
