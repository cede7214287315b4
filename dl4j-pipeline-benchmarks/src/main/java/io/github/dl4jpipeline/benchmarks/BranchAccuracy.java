package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.branch.BranchSplitter;
import io.github.dl4jpipeline.branch.BranchTrainer;
import io.github.dl4jpipeline.branch.BranchTraining;
import io.github.dl4jpipeline.cli.data.CifarDirectory;
import io.github.dl4jpipeline.cli.data.ImageBatches;
import io.github.dl4jpipeline.cli.data.ImageData;
import io.github.dl4jpipeline.cli.model.NamedModel;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.evaluation.classification.Evaluation;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Trains a network and its branches, which are widened until they are accurate enough. */
@Command(
        name = "branches",
        description = "Test accuracy of a network and of its branches, widened by 10 percent until within epsilon.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class BranchAccuracy implements Callable<Integer> {
    @Option(names = "--data", required = true, description = "Directory with CIFAR-10 binary batches.")
    private Path data = Path.of(".");

    @Option(names = "--model", description = "Name of an example model.")
    private String model = "alexnet-cifar";

    @Option(names = "--branches", description = "Number of branches.")
    private int branches = 2;

    @Option(names = "--shared", description = "One classifier over all branches, instead of one in each.")
    private boolean shared;

    @Option(names = "--epsilon", description = "By how much accuracy may drop.")
    private double epsilon = 0.03;

    @Option(names = "--rounds", description = "Number of rounds after which it gives up.")
    private int rounds = 11;

    @Option(names = "--batch", description = "Examples of a batch.")
    private int batch = 64;

    @Option(names = "--epochs", description = "Number of epochs of each round.")
    private int epochs = 8;

    @Option(names = "--seed", description = "Seed of parameters and data order.")
    private long seed = 42;

    @Option(names = "--directory", required = true, description = "Where rounds are kept; a later run goes on there.")
    private Path directory = Path.of(".");

    @Option(names = "--original-accuracy", description = "That of the original, which then is not trained.")
    private @Nullable Double originalAccuracy;

    @Override
    public Integer call() {
        ImageData images = CifarDirectory.read(data);
        System.out.printf("%s, batch %d, %d epochs, seed %d: %s%n", model, batch, epochs, seed, images.description());
        ComputationGraphConfiguration original =
                NamedModel.ofCifar(model, seed).graph().getConfiguration();
        BranchTrainer trainer = BranchTrainer.of(
                        BranchSplitter.branches(branches).sharedClassifier(shared))
                .epsilon(epsilon)
                .rounds(rounds)
                .directory(directory)
                .onRound(round -> System.out.println(round.describe()));
        BranchTrainer.Trial trial = graph -> trainedAccuracy(graph, images);
        BranchTraining training = originalAccuracy == null
                ? trainer.train(original, trial)
                : trainer.train(original, originalAccuracy, trial);
        System.out.printf(
                Locale.ROOT,
                "%s %.3f of the original's %.4f after %d rounds%n",
                training.withinEpsilon() ? "Within" : "Not within",
                epsilon,
                training.originalAccuracy(),
                training.rounds().size());
        return 0;
    }

    private double trainedAccuracy(ComputationGraph graph, ImageData images) {
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).build()) {
            ImageBatches batches = ImageBatches.shuffled(images.train(), batch, seed);
            for (int epoch = 0; epoch < epochs; epoch++) {
                batches.startEpoch(epoch);
                net.fit(batches);
            }
            Evaluation evaluation = net.evaluate(ImageBatches.inOrder(images.test(), batch));
            return evaluation.accuracy();
        }
    }
}
