package io.github.dl4jpipeline.cli.model;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;

/** ResNet-50 (He et al., CVPR 2016) from Deeplearning4j's model zoo, for images of 3x96x96. */
final class ResNet50 {
    static final ImageSize SIZE = new ImageSize(3, 96, 1000);

    private ResNet50() {}

    static ComputationGraphConfiguration configuration(long seed) {
        return org.deeplearning4j.zoo.model.ResNet50.builder()
                .seed(seed)
                .numClasses(SIZE.classes())
                .inputShape(new int[] {SIZE.channels(), SIZE.side(), SIZE.side()})
                .build()
                .graphBuilder()
                .build();
    }
}
