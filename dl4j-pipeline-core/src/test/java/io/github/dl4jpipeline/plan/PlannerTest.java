package io.github.dl4jpipeline.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.schedule.Schedules;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlannerTest {
    private static final Devices TWO = Devices.of(device("x"), device("y"));

    private static Device device(String id) {
        return new Device(id, Device.Kind.CPU, List.of(0), 1_000_000, 1);
    }

    private static VertexCost cost(String name, double millis, long activation, String... inputs) {
        return new VertexCost(
                name, List.of(inputs), millis / 4, millis, millis * 3 / 4, millis, activation, 100, 100, 200);
    }

    /** in -> a -> b -> c -> out, with a skip from a to out; 8 examples. */
    private static GraphProfile chain() {
        return new GraphProfile(
                8,
                "x",
                5,
                List.of(
                        cost("in", 0, 1000),
                        cost("a", 4, 800, "in"),
                        cost("b", 4, 80, "a"),
                        cost("c", 4, 40, "b"),
                        cost("out", 4, 8, "c", "a")));
    }

    @Test
    void oneStagePerDeviceAndTheLargestNumberOfMicroBatchesThatLeavesEightExamples() {
        assertThat(Planner.plan(chain(), TWO, PlanOptions.defaults()).microBatches())
                .isEqualTo(1);
        int[][] expected = {{15, 1}, {16, 2}, {31, 2}, {32, 4}, {63, 4}, {64, 8}, {1000, 8}};
        for (int[] pair : expected) {
            PartitionPlan plan =
                    Planner.plan(chain(), TWO, PlanOptions.defaults().withExamples(pair[0]));
            assertThat(plan.microBatches()).as("%d examples", pair[0]).isEqualTo(pair[1]);
            assertThat(plan.stages()).hasSize(2);
        }
    }

    @Test
    void stagesTimesAndMemory() {
        PartitionPlan plan = Planner.plan(
                chain(), TWO, PlanOptions.defaults().withExamples(64).withMicroBatches(4));
        Stage first = plan.stages().get(0);
        Stage second = plan.stages().get(1);
        assertThat(first.vertices()).containsExactly("in", "a", "b");
        assertThat(second.vertices()).containsExactly("c", "out");
        assertThat(first.device().id()).isEqualTo("x");
        assertThat(second.device().id()).isEqualTo("y");
        // A micro-batch has 16 examples, twice as many as the profile.
        assertThat(first.forwardMillis()).isEqualTo(4);
        assertThat(first.backwardMillis()).isEqualTo(12);
        // The skip from a and the output of b cross the cut.
        assertThat(first.sentBytes()).isEqualTo(2 * 880);
        // Three vertices: parameters, two copies of gradients, updater state; 2 micro-batches in flight.
        assertThat(first.memoryBytes()).isEqualTo(3 * (100 + 2 * 100 + 200) + 2 * 2 * 1880);
        assertThat(second.memoryBytes()).isEqualTo(2 * (100 + 2 * 100 + 200) + 2 * 48);
        // (4 + 2 - 1) micro-batches of 16 ms; one device: 16 ms for 8 examples, 128 ms for 64.
        assertThat(plan.predictedStepTime()).isEqualTo(Duration.ofMillis(80));
        assertThat(plan.oneDeviceTime()).isEqualTo(Duration.ofMillis(128));
        assertThat(plan.bubble()).isCloseTo(0.2, within(1e-12));
        assertThat(plan.examples()).isEqualTo(64);
    }

    @Test
    void moreStagesThanDevicesShareThem() {
        PartitionPlan plan = Planner.plan(chain(), TWO, PlanOptions.defaults().withStages(4));
        assertThat(plan.stages().stream().map(stage -> stage.device().id())).containsExactly("x", "y", "x", "y");
    }

    @Test
    void devicesOfDifferentSpeed() {
        Devices devices = Devices.of(device("slow"), device("fast").withRelativeSpeed(3));
        PartitionPlan plan = Planner.plan(chain(), devices, PlanOptions.defaults());
        assertThat(plan.stages().get(0).vertices()).containsExactly("in", "a");
        assertThat(plan.stages().get(1).forwardMillis()).isEqualTo(1);
    }

    @Test
    void theScheduleDecidesMemory() {
        PlanOptions options = PlanOptions.defaults().withExamples(64);
        long alternating = Planner.plan(chain(), TWO, options).stages().get(0).memoryBytes();
        long drained = Planner.plan(chain(), TWO, options.withSchedule(Schedules.fillDrain()))
                .stages()
                .get(0)
                .memoryBytes();
        assertThat(drained).isGreaterThan(alternating);
    }

    @Test
    void notesAreKept() {
        PartitionPlan plan = Planner.plan(
                chain(), TWO, PlanOptions.defaults().withNote("one").withNote("two"));
        assertThat(plan.notes()).containsExactly("one", "two");
    }

    @Test
    void badOptions() {
        assertThatThrownBy(
                        () -> Planner.plan(chain(), TWO, PlanOptions.defaults().withStages(5)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("4 vertices");
        assertThatThrownBy(() -> PlanOptions.defaults().withMicroBatches(0))
                .hasMessage("microBatches must be at least 1, got 0");
    }
}
