package io.github.dl4jpipeline.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.Alternative;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.SplitTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.schedule.Schedules;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PlannerTest {
    private static final Devices TWO = Devices.of(device(0), device(1));

    /** Two devices with memory for anything. */
    private static final Devices LARGE = new Devices(TWO.list().stream()
            .map(device -> new Device(device.id(), device.kind(), device.cores(), 1L << 40, 1))
            .toList());

    private static Device device(int core) {
        return new Device("d" + core, Device.Kind.CPU, List.of(core), 1_000_000, 1);
    }

    private static Devices devices(int count) {
        return new Devices(
                IntStream.range(0, count).mapToObj(PlannerTest::device).toList());
    }

    /** A quarter of the time is forward; the share {@code fixed} does not depend on the examples. */
    private static VertexCost cost(
            String name, double millis, double fixed, long activation, long gradients, String... inputs) {
        double forward = millis / 4;
        double backward = millis * 3 / 4;
        return new VertexCost(
                name,
                List.of(inputs),
                new PassTimes(forward, forward * fixed, forward * 1.5),
                new PassTimes(backward, backward * fixed, backward * 1.5),
                new VertexBytes(activation, 100, gradients, 200));
    }

    /** in -> a -> b -> c -> out, with a skip from a to out; 8 examples. */
    private static GraphProfile chain(double fixed, MachineSpeed machine) {
        return chain(fixed, machine, 100);
    }

    private static GraphProfile chain(double fixed, MachineSpeed machine, long gradients) {
        return new GraphProfile(
                8,
                "d0",
                5,
                machine,
                Map.of(),
                List.of(
                        cost("in", 0, 0, 1000, gradients),
                        cost("a", 4, fixed, 800, gradients, "in"),
                        cost("b", 4, fixed, 80, gradients, "a"),
                        cost("c", 4, fixed, 40, gradients, "b"),
                        cost("out", 4, fixed, 8, gradients, "c", "a")));
    }

    private static GraphProfile chain() {
        return chain(0, MachineSpeed.UNKNOWN);
    }

    /** With 1 GB of gradients for each vertex. */
    private static GraphProfile chainWithLargeGradients() {
        return chain(0, MachineSpeed.UNKNOWN, 1_000_000_000);
    }

    private static PlanOptions straight(int stages, int microBatches) {
        return PlanOptions.defaults()
                .withExamples(64)
                .withStages(stages)
                .withReplicas(1)
                .withMicroBatches(microBatches);
    }

    @Test
    void stagesTimesAndMemory() {
        PartitionPlan plan = Planner.plan(chain(), TWO, straight(2, 4));
        Stage first = plan.stages().get(0);
        Stage second = plan.stages().get(1);
        assertThat(first.vertices()).containsExactly("in", "a", "b");
        assertThat(second.vertices()).containsExactly("c", "out");
        assertThat(first.device().id()).isEqualTo("d0");
        assertThat(second.device().id()).isEqualTo("d1");
        // A micro-batch has 16 examples, twice as many as the profile.
        assertThat(first.forwardMillis()).isEqualTo(4);
        assertThat(first.backwardMillis()).isEqualTo(12);
        // The skip from a and the output of b cross the cut.
        assertThat(first.sentBytes()).isEqualTo(2 * 880);
        // Two vertices besides the input: parameters, two copies of gradients, updater state; 2 micro-batches in
        // flight.
        assertThat(first.memoryBytes()).isEqualTo(2 * (100 + 2 * 100 + 200) + 2 * 2 * 880);
        assertThat(second.memoryBytes()).isEqualTo(2 * (100 + 2 * 100 + 200) + 2 * 48);
        // (4 + 2 - 1) micro-batches of 16 ms; one device: 16 ms for 8 examples, 128 ms for 64.
        assertThat(plan.predictedStepTime()).isEqualTo(Duration.ofMillis(80));
        assertThat(plan.oneDeviceTime()).isEqualTo(Duration.ofMillis(128));
        assertThat(plan.bubble()).isCloseTo(0.2, within(1e-12));
        assertThat(plan.examples()).isEqualTo(64);
        assertThat(plan.kind()).hasToString("pipeline");
        // Each vertex is at worst half its time slower.
        assertThat(plan.latestExecutionTime()).isEqualTo(Duration.ofMillis(120));
    }

    /** The chain, with a third of each backward pass for parameter gradients that can wait. */
    private static GraphProfile chainThatCanWait() {
        GraphProfile chain = chain();
        List<VertexCost> costs = chain.vertices().stream()
                .map(cost -> new VertexCost(
                        cost.vertex(),
                        cost.inputs(),
                        new PassTimes(cost.forwardMillis(), cost.fixedForwardMillis(), cost.worstForwardMillis()),
                        new PassTimes(cost.backwardMillis(), cost.fixedBackwardMillis(), cost.worstBackwardMillis()),
                        new SplitTimes(cost.backwardMillis() / 3, 0),
                        new VertexBytes(
                                cost.activationBytes(),
                                cost.parameterBytes(),
                                cost.gradientBytes(),
                                cost.updaterBytes(),
                                0)))
                .toList();
        return new GraphProfile(
                chain.examples(), chain.device(), chain.repetitions(), chain.machine(), Map.of(), costs);
    }

    @Test
    void splitsBackwardPassesWhereItIsFaster() {
        PartitionPlan plan = Planner.plan(chainThatCanWait(), TWO, straight(2, 4));
        assertThat(plan.schedule()).isEqualTo(Schedules.zeroBubble());
        assertThat(plan.stages().get(0).backwardMillis()).isEqualTo(12);
        // 4 micro-batches of 16 ms; a stage waits for one forward task of 4 ms and one backward task of 8 ms, and fills
        // 4 ms
        // of that with parameter gradients.
        assertThat(plan.predictedStepTime()).isEqualTo(Duration.ofMillis(72));
        assertThat(plan.latestExecutionTime()).isEqualTo(Duration.ofMillis(108));
        assertThat(plan.kind()).hasToString("zero-bubble pipeline");
        // 2 micro-batches are in flight in each stage, with the errors that gradients follow from.
        assertThat(plan.stages().get(0).memoryBytes()).isEqualTo(2 * 400 + 4 * 2 * 880);
        assertThat(plan.stages().get(1).memoryBytes()).isEqualTo(2 * 400 + 4 * 2 * 48);

        PartitionPlan asked =
                Planner.plan(chainThatCanWait(), TWO, straight(2, 4).withSchedule(Schedules.oneForwardOneBackward()));
        assertThat(asked.schedule()).isEqualTo(Schedules.oneForwardOneBackward());
        assertThat(asked.predictedStepTime()).isEqualTo(Duration.ofMillis(80));
        assertThat(Planner.predict(plan, chainThatCanWait(), TWO, straight(2, 4))
                        .predictedStepTime())
                .isEqualTo(Duration.ofMillis(72));
    }

    @Test
    void doesNotSplitBackwardPassesWhereMemoryIsShort() {
        Devices small = new Devices(TWO.list().stream()
                .map(device -> new Device(device.id(), device.kind(), device.cores(), 6000, 1))
                .toList());
        PartitionPlan plan = Planner.plan(chainThatCanWait(), small, straight(2, 4));
        assertThat(plan.schedule()).isEqualTo(Schedules.oneForwardOneBackward());
        assertThat(plan.predictedStepTime()).isEqualTo(Duration.ofMillis(80));
    }

    @Test
    void dataParallelismWinsWhereReplicasCostNothing() {
        PartitionPlan plan = Planner.plan(chain(), TWO, PlanOptions.defaults().withExamples(64));
        assertThat(plan.kind()).hasToString("data parallel");
        assertThat(plan.microBatches()).isEqualTo(2);
        assertThat(plan.predictedStepTime()).isEqualTo(Duration.ofMillis(64));
        assertThat(plan.alternatives().stream().map(other -> other.kind()))
                .contains("pipeline", "one device", "one device with 2 threads");
    }

    @Test
    void devicesSlowEachOtherDownOnlyWhereMicroBatchesOverlap() {
        GraphProfile alone = chain(0, new MachineSpeed(2, 0, 1, 1, 0));
        GraphProfile together = chain(0, new MachineSpeed(2, 0, 1, 0.5, 0));
        assertThat(Planner.plan(together, TWO, straight(2, 1)).predictedStepTime())
                .isEqualTo(Planner.plan(alone, TWO, straight(2, 1)).predictedStepTime());
        assertThat(Planner.plan(together, TWO, straight(2, 4)).predictedStepTime())
                .isEqualTo(Planner.plan(alone, TWO, straight(2, 4))
                        .predictedStepTime()
                        .multipliedBy(2));
    }

    @Test
    void finalistsAreTheBestOfEachKindThatIsNearlyAsFast() {
        MachineSpeed machine = new MachineSpeed(2, 0, 1.6, 1, 0);
        PlanOptions options = PlanOptions.defaults().withExamples(64);
        List<PartitionPlan> finalists = Planner.finalists(chain(0.1, machine), TWO, options);
        PartitionPlan planned = Planner.plan(chain(0.1, machine), TWO, options);
        assertThat(finalists.get(0)).isEqualTo(planned);
        assertThat(finalists)
                .extracting(plan -> plan.kind().toString())
                .doesNotHaveDuplicates()
                .contains("data parallel", "one device with 2 threads", "pipeline")
                .doesNotContain("one device"); // twice as slow
        assertThat(finalists).hasSizeLessThanOrEqualTo(4).allSatisfy(plan -> {
            assertThat(plan.predictedStepTime().toNanos())
                    .isLessThanOrEqualTo(planned.predictedStepTime().toNanos() * 3 / 2);
            assertThat(plan.alternatives())
                    .extracting(Alternative::kind)
                    .doesNotContain(plan.kind().toString());
            assertThat(plan.alternatives()).isNotEmpty();
        });
        assertThat(Planner.finalists(chain(0.1, machine), TWO, options.withDeadline(planned.latestExecutionTime())))
                .allMatch(plan -> plan.latestExecutionTime().compareTo(planned.latestExecutionTime()) <= 0);
        assertThat(Planner.finalists(chain(0.1, machine), TWO, straight(2, 4))).hasSize(1);
    }

    @Test
    void aPipelineWinsWhereReplicasDoNotFitOrTheirGradientsAreSlow() {
        PlanOptions options = PlanOptions.defaults().withExamples(64);
        PlanOptions slowLinks = options.withBytesPerSecond(1e11);
        PartitionPlan pipeline = Planner.plan(chainWithLargeGradients(), LARGE, slowLinks);
        assertThat(pipeline.kind()).hasToString("interleaved pipeline");
        assertThat(pipeline.alternatives().get(0).kind()).isEqualTo("pipeline");
        assertThat(Planner.plan(chainWithLargeGradients(), LARGE, slowLinks.withReplicas(1))
                        .kind())
                .hasToString("pipeline");
        Devices small = new Devices(TWO.list().stream()
                .map(device -> new Device(device.id(), device.kind(), device.cores(), 2_900, 1))
                .toList());
        PartitionPlan fits = Planner.plan(chain(), small, options);
        assertThat(fits.stages()).allSatisfy(stage -> assertThat(stage.memoryBytes())
                .isLessThanOrEqualTo(stage.device().memoryBytes()));
    }

    @Test
    void oneDeviceWinsWhereNothingElsePays() {
        PlanOptions options = PlanOptions.defaults().withExamples(64);
        // All of the time is a fixed cost of each call, so that splitting a batch only costs more.
        PartitionPlan fixed = Planner.plan(chain(1, new MachineSpeed(2, 18, 1, 1, 0)), TWO, options);
        assertThat(fixed.workers()).isEqualTo(1);
        assertThat(fixed.microBatches()).isEqualTo(1);
        assertThat(fixed.kind()).hasToString("one device");
        assertThat(fixed.predictedStepTime()).isLessThanOrEqualTo(fixed.oneDeviceTime());
        // Two threads for an operation are better than two workers that slow each other down.
        PartitionPlan threads = Planner.plan(chain(0, new MachineSpeed(2, 0, 1.8, 0.7, 0)), TWO, options);
        assertThat(threads.kind()).hasToString("one device with 2 threads");
        assertThat(threads.stages().get(0).device().cores()).containsExactly(0, 1);
        assertThat(threads.predictedStepTime().toNanos() / 1e6).isCloseTo(128 / 1.8, within(1e-3));
    }

    @Test
    void aFixedCostOfEachCallMakesForLargerMicroBatches() {
        PlanOptions options =
                PlanOptions.defaults().withExamples(64).withStages(2).withReplicas(1);
        int cheap =
                Planner.plan(chain(0.01, MachineSpeed.UNKNOWN), TWO, options).microBatches();
        int dear = Planner.plan(chain(0.8, MachineSpeed.UNKNOWN), TWO, options).microBatches();
        assertThat(dear).isLessThan(cheap);
    }

    @Test
    void asManyDevicesAsThereAreAndNoMore() {
        PartitionPlan plan =
                Planner.plan(chain(), devices(8), PlanOptions.defaults().withExamples(64));
        assertThat(plan.workers()).isLessThanOrEqualTo(8);
        assertThat(plan.stages().stream().flatMap(stage -> stage.devices().stream()))
                .doesNotHaveDuplicates();
        assertThat(plan.predictedStepTime()).isLessThanOrEqualTo(Duration.ofMillis(17));
    }

    @Test
    void moreStagesThanDevicesShareThem() {
        PartitionPlan plan = Planner.plan(chain(), TWO, straight(4, 4));
        assertThat(plan.stages().stream().map(stage -> stage.device().id()))
                .containsExactlyInAnyOrder("d0", "d1", "d0", "d1");
        assertThat(plan.workers()).isEqualTo(2);
        assertThat(plan.stages().get(0).forwardMillis()).isEqualTo(2);
        assertThat(plan.predictedStepTime().toNanos() / 1e6).isCloseTo(8.0 * (4 * 2 + 1), within(0.001));
    }

    @Test
    void devicesOfDifferentSpeed() {
        Devices unequal = Devices.of(device(0), device(1).withRelativeSpeed(3));
        PartitionPlan plan = Planner.plan(chain(), unequal, straight(2, 8));
        for (Stage stage : plan.stages()) {
            boolean fast = stage.device().id().equals("d1");
            assertThat(stage.vertices().stream().filter(name -> !name.equals("in")))
                    .hasSize(fast ? 3 : 1);
            assertThat(stage.forwardMillis()).isEqualTo(1);
        }
    }

    @Test
    void linksCount() {
        PlanOptions options = straight(2, 4);
        PartitionPlan slow = Planner.plan(chain(), TWO, options.withBytesPerSecond(100_000));
        assertThat(slow.predictedStepTime())
                .isGreaterThan(Planner.plan(chain(), TWO, options).predictedStepTime());
        assertThat(slow.stages().get(0).sentBytes()).isEqualTo(2 * 800); // the cut after a is uneven, but sends less
    }

    @Test
    void theScheduleDecidesMemory() {
        long alternating =
                Planner.plan(chain(), TWO, straight(2, 8)).stages().get(0).memoryBytes();
        long drained = Planner.plan(chain(), TWO, straight(2, 8).withSchedule(Schedules.fillDrain()))
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
        assertThatThrownBy(() -> PlanOptions.defaults().withBytesPerSecond(0))
                .hasMessage("bytesPerSecond must be positive, got 0.0");
    }

    @Test
    void stagesWhoseActivationsDoNotFitComputeThemAgain() {
        GraphProfile profile = new GraphProfile(
                8,
                "d0",
                5,
                MachineSpeed.UNKNOWN,
                Map.of(),
                List.of(
                        cost("in", 0, 0, 1000, 100),
                        cost("a", 4, 0, 800, 100, "in"),
                        cost("b", 4, 0, 40, 100, "a"),
                        cost("c", 4, 0, 40, 100, "b"),
                        cost("out", 4, 0, 8, 100, "c")));
        PlanOptions options = straight(2, 8).withSchedule(Schedules.fillDrain());
        PartitionPlan roomy = Planner.plan(profile, TWO, options);
        long needed = 500 + 8 * 800; // of the first vertex alone
        Devices small = Devices.of(
                new Device("d0", Device.Kind.CPU, List.of(0), needed - 1, 1),
                new Device("d1", Device.Kind.CPU, List.of(1), needed - 1, 1));
        PartitionPlan tight = Planner.plan(profile, small, options);
        assertThat(roomy.stages()).noneMatch(Stage::recompute);
        assertThat(tight.stages()).anyMatch(Stage::recompute);
        assertThat(tight.stages())
                .allSatisfy(stage -> assertThat(stage.memoryBytes()).isLessThan(needed));
        assertThat(tight.predictedStepTime()).isGreaterThan(roomy.predictedStepTime());
        assertThat(tight.explain()).contains("computes activations again");
        assertThatThrownBy(() -> Planner.plan(profile, small, options.withRecompute(Optional.of(false))))
                .hasMessageContaining("No plan fits into memory");
    }

    @Test
    void whatDoesNotFitIntoMemoryIsAnErrorThatNamesTheStage() {
        Devices tiny = Devices.of(new Device("d0", Device.Kind.CPU, List.of(0), 1_000, 1));
        assertThatThrownBy(() -> Planner.plan(chain(), tiny, PlanOptions.defaults()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("No plan fits into memory")
                .hasMessageContaining("d0")
                .hasMessageContaining("stage 0 (in to out)");
    }

    @Test
    void gradientsOfFurtherMicroBatchesAreAdded() {
        MachineSpeed slowToAdd = new MachineSpeed(1, 0, 1, 1, 100_000); // 0.1 ms for a byte
        PlanOptions four = straight(1, 4);
        Duration added = Planner.plan(chain(0, slowToAdd), TWO, four)
                .predictedStepTime()
                .minus(Planner.plan(chain(), TWO, four).predictedStepTime());
        assertThat(added).isEqualTo(Duration.ofMillis(3 * 50)); // 5 vertices with 100 bytes of gradients
        PlanOptions replicas = straight(1, 2).withReplicas(2); // one micro-batch each, whose gradients are added once
        Duration reduced = Planner.plan(chain(0, slowToAdd), TWO, replicas)
                .predictedStepTime()
                .minus(Planner.plan(chain(), TWO, replicas).predictedStepTime());
        assertThat(reduced).isEqualTo(Duration.ofMillis(25)); // each adds up half of them
    }

    @Test
    void aDeadlineIsMetOrRefused() {
        PlanOptions options = PlanOptions.defaults().withExamples(64);
        PartitionPlan plan = Planner.plan(chain(), TWO, options.withDeadline(Duration.ofMillis(100)));
        assertThat(plan.latestExecutionTime()).isLessThanOrEqualTo(Duration.ofMillis(100));
        assertThatThrownBy(() -> Planner.plan(chain(), TWO, options.withDeadline(Duration.ofMillis(50))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("No plan meets the deadline of 50.0 ms")
                .hasMessageContaining("stage 0")
                .hasMessageContaining("use batches of 32 examples");
    }

    @Test
    void stagesAreInterleavedWhereThatIsFaster() {
        PlanOptions options = PlanOptions.defaults()
                .withExamples(64)
                .withMicroBatches(4)
                .withBytesPerSecond(1e11); // next to nothing for activations, but 80 ms for gradients
        PartitionPlan plan = Planner.plan(chainWithLargeGradients(), LARGE, options);
        assertThat(plan.kind()).hasToString("interleaved pipeline");
        assertThat(plan.stages().stream().map(stage -> stage.device().id())).containsExactly("d0", "d1", "d0", "d1");
        assertThat(plan.workers()).isEqualTo(2);
        // 4 micro-batches of 16 examples, 8 ms for each vertex; a device runs 8 tasks of each of its stages, and the
        // second
        // waits for one stage forward and the first for one backward.
        assertThat(plan.predictedStepTime().toNanos() / 1e6).isCloseTo(8.0 * (4 * 2 + 1), within(0.001));
        assertThat(plan.bottleneckMillis()).isEqualTo(16);
        assertThat(plan.explain()).contains("1f1b, interleaved");
        assertThat(plan.alternatives()).anySatisfy(other -> {
            assertThat(other.kind()).isEqualTo("pipeline");
            assertThat(other.predictedStepTime().toNanos() / 1e6).isCloseTo(16.0 * (4 + 1), within(0.001));
        });
    }

    /** As {@link #chain}, where the last vertex takes nearly as long for few examples. */
    private static GraphProfile withFixedEnd(double fixed) {
        return new GraphProfile(
                8,
                "d0",
                5,
                MachineSpeed.UNKNOWN,
                Map.of(),
                List.of(
                        cost("in", 0, 0, 1000, 100),
                        cost("a", 4, 0, 800, 100, "in"),
                        cost("b", 4, 0, 80, 100, "a"),
                        cost("out", 4, fixed, 8, 100, "b")));
    }

    @Test
    void groupsWhereTheEndOfTheNetworkGainsFromThem() {
        PlanOptions options = straight(1, 4).withInGroups(Set.of("out"));
        // Micro-batches of 16, so in groups of 2 or 4.
        PartitionPlan plan = Planner.plan(withFixedEnd(0.9), LARGE, options);
        assertThat(plan.grouped()).isEqualTo(4);
        assertThat(plan.microBatches()).isEqualTo(4);
        assertThat(plan.predictedStepTime())
                .isLessThan(
                        Planner.plan(withFixedEnd(0.9), LARGE, straight(1, 4)).predictedStepTime());
        assertThat(Planner.predict(plan, withFixedEnd(0.9), LARGE, options).withAlternatives(plan.alternatives()))
                .isEqualTo(plan);
        assertThat(Planner.plan(withFixedEnd(0), LARGE, options).grouped()).isEqualTo(1);
        assertThat(Planner.plan(withFixedEnd(0.9), LARGE, straight(1, 4)).grouped())
                .isEqualTo(1);
    }

    @Test
    void groupsOnlyOfFewExamplesAndWithoutReplicas() {
        PlanOptions options = straight(1, 2).withInGroups(Set.of("out"));
        assertThat(Planner.plan(withFixedEnd(0.9), LARGE, options.withExamples(256))
                        .grouped())
                .isEqualTo(1);
        assertThat(Planner.plan(withFixedEnd(0.9), LARGE, options.withExamples(16))
                        .grouped())
                .isEqualTo(1);
        assertThat(Planner.plan(withFixedEnd(0.9), LARGE, options.withReplicas(2))
                        .grouped())
                .isEqualTo(1);
    }

    /** Groups make a pipeline wait, so predictions alone do not decide. */
    @Test
    void pipelinesAreMeasuredWithAndWithoutGroups() {
        PlanOptions options =
                straight(2, 4).withSchedule(Schedules.zeroBubble()).withInGroups(Set.of("out"));
        assertThat(Planner.finalists(withFixedEnd(0.5), LARGE, options))
                .extracting(plan -> plan.kind().toString())
                .containsExactlyInAnyOrder("zero-bubble pipeline", "grouped zero-bubble pipeline");
    }
}
