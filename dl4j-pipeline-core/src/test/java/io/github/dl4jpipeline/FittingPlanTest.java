package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.device.SeparateMemoryRuntime;
import io.github.dl4jpipeline.exception.DeviceMemoryException;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FittingPlanTest {
    private static final Devices DEVICES = SeparateMemoryRuntime.devices(2, 1000);

    private final List<Long> asked = new ArrayList<>();

    /** A planner that uses all memory there is, and refuses less than 500 bytes. */
    private PartitionPlan plan(Devices devices) {
        asked.add(devices.get(0).memoryBytes());
        if (devices.get(0).memoryBytes() < 500) {
            throw new IllegalArgumentException("No plan fits");
        }
        return PartitionPlan.of(
                IntStream.range(0, 2)
                        .mapToObj(i -> Stage.of(devices.get(i), List.of("vertex" + i))
                                .withMemoryBytes(devices.get(i).memoryBytes()))
                        .toList(),
                1);
    }

    /** A count that is above the prediction for the second stage. */
    private static UnaryOperator<PartitionPlan> counting(double factor, long fixed) {
        return plan -> plan.withStages(List.of(
                plan.stages().get(0),
                plan.stages()
                        .get(1)
                        .withMemoryBytes(
                                fixed + (long) (factor * plan.stages().get(1).memoryBytes()))));
    }

    private PartitionPlan find(UnaryOperator<PartitionPlan> count) {
        return new FittingPlan(DEVICES, this::plan, count).find(plan(DEVICES));
    }

    @Test
    void aPlanThatFitsStays() {
        assertThat(find(counting(1, 0)).stages().get(1).memoryBytes()).isEqualTo(1000);
        assertThat(asked).containsExactly(1000L);
    }

    @Test
    void theNextPlanHasAsMuchLessAsTheFirstTookMore() {
        PartitionPlan found = find(counting(1.25, 0));
        assertThat(asked).containsExactly(1000L, 800L);
        assertThat(found.stages().get(1).memoryBytes()).isEqualTo(1000);
        assertThat(found.devices().list()).isEqualTo(DEVICES.list());
    }

    @Test
    void aCountThatStaysTooHighTakesMoreAndMore() {
        assertThat(find(counting(1, 300)).stages().get(1).memoryBytes()).isLessThanOrEqualTo(1000);
        assertThat(asked).hasSizeGreaterThan(2).isSortedAccordingTo((one, other) -> Long.compare(other, one));
    }

    @Test
    void whereNoPlanFitsTheFirstIsRefused() {
        UnaryOperator<PartitionPlan> count = counting(1, 600);
        assertThatThrownBy(() -> find(count))
                .isInstanceOf(DeviceMemoryException.class)
                .hasMessageStartingWith(
                        "Stage 1 (vertex1 to vertex1) needs 1600 bytes on device device-1, but there are" + " 1000; ");
    }
}
