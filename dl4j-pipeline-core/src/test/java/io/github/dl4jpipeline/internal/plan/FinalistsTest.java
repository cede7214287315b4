package io.github.dl4jpipeline.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FinalistsTest {
    /** Of a network whose time is all per example, so that two devices are predicted to be twice as fast. */
    private static List<PartitionPlan> finalists(double millis) {
        List<VertexCost> costs = new ArrayList<>();
        costs.add(cost("in", 0));
        costs.add(cost("a", millis, "in"));
        costs.add(cost("b", millis, "a"));
        GraphProfile profile = new GraphProfile(32, "d0", 1, MachineSpeed.UNKNOWN, Map.of(), costs);
        Devices devices = new Devices(IntStream.range(0, 2)
                .mapToObj(core -> new Device("d" + core, Device.Kind.CPU, List.of(core), 1L << 30, 1))
                .toList());
        return Finalists.of(profile, devices, PlanOptions.defaults());
    }

    private static VertexCost cost(String name, double millis, String... inputs) {
        return new VertexCost(
                name,
                List.of(inputs),
                new PassTimes(millis / 3, 0, millis / 3),
                new PassTimes(2 * millis / 3, 0, 2 * millis / 3),
                new VertexBytes(1000, 1000, 1000, 1000));
    }

    @Test
    void oneWorkerIsMeasuredWhereAStepIsShort() {
        List<PartitionPlan> small = finalists(0.2);
        assertThat(small.get(0).workers()).isEqualTo(2);
        assertThat(small.get(1).workers()).isEqualTo(1);
        assertThat(small.get(1).stages().get(0).device().threads()).isEqualTo(1);
    }

    @Test
    void notWhereItIsLongAndClearlySlower() {
        assertThat(finalists(100)).noneMatch(plan -> plan.workers() == 1);
    }
}
