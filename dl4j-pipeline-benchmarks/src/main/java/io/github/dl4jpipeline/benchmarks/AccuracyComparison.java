package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.data.CifarDirectory;
import io.github.dl4jpipeline.cli.data.ImageBatches;
import io.github.dl4jpipeline.cli.data.ImageData;
import io.github.dl4jpipeline.cli.model.NamedModel;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.evaluation.classification.Evaluation;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Trains the same network on the same batches twice, with plain fit and in a pipeline, and compares test accuracy. */
@Command(
        name = "accuracy",
        description =
                "Test accuracy of plain fit and of a pipeline, after each epoch, with the same seed and data order.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class AccuracyComparison implements Callable<Integer> {
    @Option(names = "--data", required = true, description = "Directory with CIFAR-10 binary batches.")
    private Path data = Path.of(".");

    @Option(names = "--model", description = "Name of an example model.")
    private String model = "alexnet-cifar";

    @Option(names = "--batch", description = "Examples of a batch.")
    private int batch = 64;

    @Option(names = "--epochs", description = "Number of epochs.")
    private int epochs = 8;

    @Option(names = "--stages", description = "Number of stages.")
    private int stages = 2;

    @Option(names = "--seed", description = "Seed of parameters and data order.")
    private long seed = 42;

    @Override
    public Integer call() {
        ImageData images = CifarDirectory.read(data);
        ComputationGraph plain = NamedModel.ofCifar(model, seed).graph();
        ComputationGraph wrapped = NamedModel.ofCifar(model, seed).graph();
        try (PipelineComputationGraph pipeline =
                PipelineComputationGraph.builder(wrapped).stages(stages).build()) {
            System.out.printf("%s, batch %d, seed %d: %s%n", model, batch, seed, images.description());
            System.out.println("epoch  plain fit  pipeline");
            for (int epoch = 0; epoch < epochs; epoch++) {
                System.out.printf(
                        Locale.ROOT,
                        "%5d  %7.2f %%  %6.2f %%%n",
                        epoch + 1,
                        100 * trainedEpoch(plain, images, epoch),
                        100 * trainedEpoch(pipeline, images, epoch));
            }
            System.out.print(pipeline.plan().explain());
        }
        return 0;
    }

    private double trainedEpoch(ComputationGraph graph, ImageData images, int epoch) {
        ImageBatches batches = ImageBatches.shuffled(images.train(), batch, seed);
        batches.startEpoch(epoch);
        graph.fit(batches);
        Evaluation evaluation = graph.evaluate(ImageBatches.inOrder(images.test(), batch));
        return evaluation.accuracy();
    }
}
