package io.github.dl4jpipeline.examples;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.DevicesUnavailableException;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/** One stage on each of several GPUs, or on the cores where there are none. Argument: number of GPUs. */
public final class SeveralGpus {
    private SeveralGpus() {}

    public static void main(String... args) {
        Devices devices = devices(args.length > 0 ? Integer.parseInt(args[0]) : 2); // before ND4J is used
        DataSetIterator training = Images.generated(320, 16, 32, 1);

        ComputationGraph graph = SmallNetwork.graph(16);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(devices)
                .stages(devices.size())
                .build()) {
            net.fit(training, 3);
            System.out.printf("Score %.4f%n", net.score());
            System.out.print(net.report());
        }
    }

    private static Devices devices(int gpus) {
        try {
            return Devices.gpu(gpus);
        } catch (DevicesUnavailableException e) {
            System.out.println(e.getMessage()); // what is missing, what is needed, and what runs instead
            return Devices.cpu();
        }
    }
}
