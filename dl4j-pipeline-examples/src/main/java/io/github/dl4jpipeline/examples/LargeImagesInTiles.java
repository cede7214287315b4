package io.github.dl4jpipeline.examples;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.plan.FusedTiling;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/** Runs the convolutions of a network on large images tile by tile, with less memory. Argument: height and width of an image. */
public final class LargeImagesInTiles {
    private LargeImagesInTiles() {}

    public static void main(String... args) {
        int size = args.length > 0 ? Integer.parseInt(args[0]) : 256;
        DataSetIterator training = Images.generated(12, size, 4, 1);

        ComputationGraph graph = SmallNetwork.graph(size);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                // 2 rows and 2 columns of tiles. A tile runs from conv1 to pool1; tiles are cut anew for conv2 and
                // pool2.
                // FusedTiling.auto(profile, devices) chooses all this from a profile.
                .tiling(FusedTiling.grid(2, 2).from("conv1").to("pool2").cutAfter("pool1"))
                .build()) {
            net.fit(training, 2);
            System.out.print(net.report()); // the last line says how much of the activations the largest tile keeps
        }
    }
}
