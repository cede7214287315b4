package io.github.dl4jpipeline.examples;

import io.github.dl4jpipeline.PipelineComputationGraph;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.termination.ScoreImprovementEpochTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingGraphTrainer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/** Deeplearning4j's early stopping trains a pipeline as it trains any graph. Argument: most epochs. */
public final class EarlyStopping {
    private EarlyStopping() {}

    public static void main(String... args) {
        int mostEpochs = args.length > 0 ? Integer.parseInt(args[0]) : 20;
        DataSetIterator training = Images.generated(320, 16, 32, 1);
        DataSetIterator validation = Images.generated(100, 16, 50, 2);
        ComputationGraph graph = SmallNetwork.graph(16);

        EarlyStoppingConfiguration<ComputationGraph> configuration = new EarlyStoppingConfiguration.Builder<
                        ComputationGraph>()
                .scoreCalculator(new DataSetLossCalculator(validation, true))
                .epochTerminationConditions(
                        new MaxEpochsTerminationCondition(mostEpochs),
                        new ScoreImprovementEpochTerminationCondition(2, 0.001))
                .modelSaver(new InMemoryModelSaver<>())
                .build();
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).build()) {
            EarlyStoppingResult<ComputationGraph> result =
                    new EarlyStoppingGraphTrainer(configuration, net, training).fit();
            result.getScoreVsEpoch().forEach((epoch, score) -> System.out.printf("Epoch %d: %.4f%n", epoch, score));
            System.out.println("Stopped by: " + result.getTerminationDetails());
            ComputationGraph best = result.getBestModel(); // an ordinary graph
            System.out.printf(
                    "Best: epoch %d, validation accuracy %.3f%n",
                    result.getBestModelEpoch(), best.evaluate(validation).accuracy());
        }
    }
}
