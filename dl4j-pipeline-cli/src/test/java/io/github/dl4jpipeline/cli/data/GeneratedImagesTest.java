package io.github.dl4jpipeline.cli.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class GeneratedImagesTest {

    @Test
    void areTheSameForTheSameSeed() {
        assertThat(GeneratedImages.records(3, 0, 20)).isEqualTo(GeneratedImages.records(3, 0, 20));
        assertThat(GeneratedImages.records(3, 0, 20)).isNotEqualTo(GeneratedImages.records(4, 0, 20));
        assertThat(GeneratedImages.records(3, 0, 20)).isNotEqualTo(GeneratedImages.records(3, 1, 20));
    }

    @Test
    void areNamedAsGenerated() {
        ImageData data = GeneratedImages.data(1);
        assertThat(data.name()).isEqualTo("generated");
        assertThat(data.description()).contains("generated", "not CIFAR-10");
    }

    @Test
    void haveAsManyOfEachClass() {
        ImageData data = GeneratedImages.data(1);
        assertThat(data.train().size()).isEqualTo(2_000);
        assertThat(data.test().size()).isEqualTo(500);
        int[] counts = new int[CifarFormat.CLASSES];
        for (int i = 0; i < data.train().size(); i++) {
            counts[data.train().label(i)]++;
        }
        assertThat(counts).containsOnly(200);
    }
}
