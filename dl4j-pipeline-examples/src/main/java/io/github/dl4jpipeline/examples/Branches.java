package io.github.dl4jpipeline.examples;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.branch.BranchInference;
import io.github.dl4jpipeline.branch.BranchPart;
import io.github.dl4jpipeline.branch.BranchParts;
import io.github.dl4jpipeline.branch.BranchSplitter;
import io.github.dl4jpipeline.branch.BranchTrainer;
import io.github.dl4jpipeline.branch.BranchTraining;
import io.github.dl4jpipeline.device.Devices;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * Splits a network into two narrow branches, which answer in parallel. It is another, smaller network: it is trained from
 * scratch, and widened until it is accurate enough. Argument: epochs of each training.
 */
public final class Branches {
    private Branches() {}

    public static void main(String... args) {
        int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 3;
        DataSetIterator data = Images.generated(320, 16, 32, 1);
        DataSetIterator test = Images.generated(100, 16, 50, 2);

        BranchTraining training = BranchTrainer.of(BranchSplitter.branches(2).sharedClassifier(true))
                .epsilon(0.02) // by how much accuracy may drop
                .rounds(2) // each 10 % wider than the one before
                .onRound(round -> System.out.println(round.describe()))
                .train(SmallNetwork.configuration(16), graph -> accuracyAfterTraining(graph, data, epochs, test));

        ComputationGraph branched = training.graph(); // an ordinary graph: save it, train it on
        INDArray image = Images.generated(1, 16, 1, 3).next().getFeatures();
        try (BranchInference inference = BranchInference.of(branched, Devices.cpu())) { // one branch on each core
            System.out.println("Classes, by the branches in parallel: " + inference.output(image));
            System.out.println("Classes, by the graph itself:         " + branched.outputSingle(image));
        }
        for (BranchPart part : BranchParts.of(branched)) { // part.save(path) writes a model for its device
            System.out.printf("%s: %,d parameters%n", part.title(), part.graph().numParams());
        }
    }

    private static double accuracyAfterTraining(
            ComputationGraph graph, DataSetIterator data, int epochs, DataSetIterator test) {
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).build()) {
            net.fit(data, epochs);
            return net.evaluate(test).accuracy();
        }
    }
}
