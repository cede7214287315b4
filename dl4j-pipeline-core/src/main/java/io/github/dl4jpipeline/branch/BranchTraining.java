package io.github.dl4jpipeline.branch;

import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * The outcome of {@link BranchTrainer}.
 *
 * @param graph the trained network: the first that is accurate enough, or, if none is, the most accurate
 * @param withinEpsilon whether it is accurate enough
 * @param originalAccuracy what it is measured against
 * @param rounds those of the branched network, in order
 */
public record BranchTraining(
        ComputationGraph graph, boolean withinEpsilon, double originalAccuracy, List<BranchRound> rounds) {
    public BranchTraining {
        rounds = List.copyOf(rounds);
    }
}
