package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.partition.Stage;
import org.junit.jupiter.api.Test;

class FirstStepCodeTest {
    @Test
    void whatItLoadsWorks() {
        assertThat(FirstStepCode.load().stages())
                .flatExtracting(Stage::vertices)
                .contains("vertex0", "vertex3");
    }
}
