package io.github.dl4jpipeline.examples;

import io.github.dl4jpipeline.PipelineComputationGraph;
import java.io.IOException;
import java.nio.file.Path;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * Trains AlexNet on CIFAR-10. Arguments: batch size, epochs, and the directory with CIFAR-10's binary files
 * ({@code data_batch_1.bin}, {@code test_batch.bin}); without the last, images are generated.
 */
public final class AlexNetOnCifar10 {
    private AlexNetOnCifar10() {}

    public static void main(String... args) throws IOException {
        int batch = args.length > 0 ? Integer.parseInt(args[0]) : 64;
        int epochs = args.length > 1 ? Integer.parseInt(args[1]) : 3;
        boolean real = args.length > 2;
        DataSetIterator training = real
                ? Images.cifar10(Path.of(args[2]), "data_batch_*.bin", batch)
                : Images.generated(10 * batch, 32, batch, 1);
        DataSetIterator test = real
                ? Images.cifar10(Path.of(args[2]), "test_batch.bin", batch)
                : Images.generated(2 * batch, 32, batch, 2);

        MultiLayerNetwork network = new MultiLayerNetwork(AlexNet.configuration());
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(network).build()) {
            for (int epoch = 1; epoch <= epochs; epoch++) {
                net.fit(training);
                System.out.printf(
                        "Epoch %d: test accuracy %.3f%n",
                        epoch, net.evaluate(test).accuracy());
            }
            System.out.print(net.report());
        }
        // network is trained now, and can be saved: network.save(file).
    }
}
