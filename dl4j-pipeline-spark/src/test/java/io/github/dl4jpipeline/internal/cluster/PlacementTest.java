package io.github.dl4jpipeline.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PlacementTest {
    @Test
    void workersFillOneMachineAfterTheOther() {
        List<String> machines = List.of("b", "a", "b", "a", "c");
        assertThat(IntStream.range(0, 5).map(task -> Placement.worker(machines, task)))
                .containsExactly(2, 0, 3, 1, 4);
    }
}
