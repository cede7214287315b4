package io.github.dl4jpipeline.cli.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class StepTimesTest {

    @Test
    void takesTheMiddle() {
        assertThat(of(9, 1, 4).medianMillis()).isEqualTo(4);
        assertThat(of(9, 1, 4, 6).medianMillis()).isEqualTo(5);
        assertThat(of(9, 1, 4).minMillis()).isEqualTo(1);
    }

    private static StepTimes of(double... millis) {
        StepTimes times = new StepTimes();
        DoubleStream.of(millis).forEach(times::add);
        return times;
    }
}
