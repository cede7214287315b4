package io.github.dl4jpipeline.cli.model;

import io.github.dl4jpipeline.internal.graph.ChainGraph;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** AlexNet (Krizhevsky et al., NeurIPS 2012) from Deeplearning4j's model zoo, for images of 3x224x224. */
final class AlexNet {
    private AlexNet() {}

    static ComputationGraphConfiguration configuration(long seed) {
        MultiLayerConfiguration layers = org.deeplearning4j.zoo.model.AlexNet.builder()
                .seed(seed)
                .numClasses(ImageSize.IMAGENET.classes())
                .build()
                .conf();
        return ChainGraph.of(new MultiLayerNetwork(layers));
    }
}
