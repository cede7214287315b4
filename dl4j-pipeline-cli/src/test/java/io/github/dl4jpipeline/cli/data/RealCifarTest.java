package io.github.dl4jpipeline.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Real images, where the system property {@code test.data} names a directory that has them. */
class RealCifarTest {

    @Test
    void readsRealImages() {
        String root = System.getProperty("test.data");
        assumeTrue(root != null, "the system property test.data is not set, so there are no CIFAR-10 images to read");
        Path directory = Path.of(root, "cifar10");
        assumeTrue(Files.isDirectory(directory), "there are no CIFAR-10 images in " + directory);

        ImageData data = CifarDirectory.read(directory);

        int[] counts = new int[CifarFormat.CLASSES];
        for (int i = 0; i < data.test().size(); i++) {
            counts[data.test().label(i)]++;
        }
        assertThat(data.train().size()).isGreaterThan(data.test().size());
        assertThat(counts).doesNotContain(0);
    }
}
