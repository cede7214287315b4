package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.profile.VertexCost;
import org.junit.jupiter.api.Test;

class FirstStepCodeTest {
    @Test
    void whatItLoadsWorks() {
        assertThat(FirstStepCode.load().vertices())
                .extracting(VertexCost::vertex)
                .containsExactly("vertex");
    }
}
