package io.github.dl4jpipeline.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.schedule.ScheduleSimulator;
import io.github.dl4jpipeline.schedule.Schedules;
import io.github.dl4jpipeline.schedule.StageTimes;
import io.github.dl4jpipeline.schedule.Workers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ReplannerTest {
    private static final int VERTICES = 12;
    private static final double FIXED_SHARE = 0.3; // so that fewer micro-batches are better than many

    /** Devices whose real speeds a test sets; it says what each step takes on them. */
    private static final class World {
        final Devices devices;
        final Map<String, Double> slowdown = new HashMap<>();

        /** By kind of plan: how much longer its steps take than its tasks explain. */
        final Map<String, Double> kindFactor = new HashMap<>();

        final GraphProfile profile;
        final Replanner replanner;
        final Random random = new Random(1);
        double noise;
        PartitionPlan plan;
        double lastStep;

        World(int count, PlanOptions options) {
            this(count, options, 1, FIXED_SHARE);
        }

        /**
         * @param contenders plans that take turns in the first steps, at most
         * @param fixedShare part of a vertex's time that does not grow with the number of examples
         */
        World(int count, PlanOptions options, int contenders, double fixedShare) {
            devices = new Devices(IntStream.range(0, count)
                    .mapToObj(core -> new Device("d" + core, Device.Kind.CPU, List.of(core), 1L << 40, 1))
                    .toList());
            List<VertexCost> costs = new ArrayList<>();
            costs.add(new VertexCost(
                    "in", List.of(), new PassTimes(0, 0, 0), new PassTimes(0, 0, 0), new VertexBytes(100, 0, 0, 0)));
            for (int i = 0; i < VERTICES; i++) {
                String input = i == 0 ? "in" : "v" + (i - 1);
                double fixed = 4 * fixedShare;
                costs.add(new VertexCost(
                        "v" + i,
                        List.of(input),
                        new PassTimes(4, fixed, 6),
                        new PassTimes(8, 2 * fixed, 12),
                        new VertexBytes(100, 100, 100, 100)));
            }
            profile = new GraphProfile(32, "d0", 5, MachineSpeed.UNKNOWN, Map.of(), costs);
            List<PartitionPlan> finalists = Planner.finalists(profile, devices, options);
            plan = finalists.get(0);
            replanner = new Replanner(
                    profile, devices, options, finalists.subList(0, Math.min(contenders, finalists.size())));
        }

        void run(int steps) {
            for (int i = 0; i < steps; i++) {
                plan = replanner.afterStep(step()).orElse(plan);
            }
        }

        private StepMeasurement step() {
            List<StageTimes> times = new ArrayList<>();
            List<Double> busy = new ArrayList<>();
            Map<String, Double> perExample = new HashMap<>();
            profile.costsFor(32.0 / plan.microBatches()).forEach(cost -> perExample.put(cost.vertex(), cost.millis()));
            for (Stage stage : plan.stages()) {
                double millis =
                        stage.vertices().stream().mapToDouble(perExample::get).sum();
                double slowest = 0;
                for (int replica = 0; replica < stage.replicas(); replica++) {
                    double factor =
                            slowdown.getOrDefault(stage.devices().get(replica).id(), 1.0)
                                    * (1 + noise * (2 * random.nextDouble() - 1));
                    slowest = Math.max(slowest, factor);
                    int own = (plan.microBatches() - replica + stage.replicas() - 1) / stage.replicas();
                    busy.add(millis * factor * own);
                }
                times.add(new StageTimes(stage.replicas(), millis * slowest / 3, millis * slowest * 2 / 3, 0));
            }
            Workers workers = plan.taskWorkers();
            lastStep =
                    ScheduleSimulator.simulate(Schedules.oneForwardOneBackward(), workers, times, plan.microBatches())
                                    .makespanMillis()
                            * kindFactor.getOrDefault(plan.kind().toString(), 1.0);
            return new StepMeasurement(
                    lastStep, busy.stream().mapToDouble(Double::doubleValue).toArray());
        }

        List<String> changes() {
            return replanner.changes().stream()
                    .map(change -> change.step() + ": " + change.reason())
                    .toList();
        }

        List<String> devicesUsed() {
            return plan.stages().stream()
                    .flatMap(stage -> stage.devices().stream())
                    .map(Device::id)
                    .toList();
        }
    }

    private static World world(int devices) {
        return new World(devices, PlanOptions.defaults());
    }

    @Test
    void noiseChangesNothing() {
        World world = world(3);
        world.noise = 0.3;
        world.run(5_000);
        assertThat(world.changes()).isEmpty();
    }

    @Test
    void devicesThatAreAllSlowerThanPredictedChangeNothing() {
        World world = world(3);
        world.noise = 0.1;
        for (Device device : world.devices.list()) {
            world.slowdown.put(device.id(), 1.7);
        }
        world.run(5_000);
        assertThat(world.changes()).isEmpty();
    }

    @Test
    void aSlowDeviceGetsLessWorkAndItsShareBackWhenItRecovers() {
        World world = new World(
                2, PlanOptions.defaults().withStages(2).withReplicas(1).withMicroBatches(8));
        PartitionPlan first = world.plan;
        world.run(100);
        assertThat(world.changes()).isEmpty();
        world.slowdown.put("d1", 2.0);
        world.run(1);
        double before = world.lastStep;
        world.run(100);
        assertThat(world.replanner.changes()).singleElement().satisfies(change -> {
            assertThat(change.step()).isLessThanOrEqualTo(150);
            assertThat(change.reason()).isEqualTo("device d1 is 2.0 times slower than profiled");
        });
        assertThat(verticesOn(world.plan, "d1")).isLessThan(verticesOn(first, "d1"));
        assertThat(world.lastStep).isLessThan(0.9 * before);
        world.slowdown.clear();
        world.run(100);
        assertThat(verticesOn(world.plan, "d1")).isEqualTo(verticesOn(first, "d1"));
        assertThat(world.replanner.changes()).hasSize(2);
        assertThat(world.plan.stages()).hasSize(2);
        assertThat(world.plan.microBatches()).isEqualTo(8);
    }

    private static int verticesOn(PartitionPlan plan, String device) {
        return plan.stages().stream()
                .filter(stage -> stage.device().id().equals(device))
                .mapToInt(stage -> stage.vertices().size())
                .sum();
    }

    @Test
    void aDeviceThatIsHardlyThereIsLeftAndTriedAgainLessAndLessOften() {
        World world = world(2);
        assertThat(world.devicesUsed()).containsExactlyInAnyOrder("d0", "d1");
        world.slowdown.put("d1", 20.0);
        world.run(100);
        assertThat(world.devicesUsed()).containsExactly("d0");
        int slow = 0;
        for (int i = 0; i < 10_000; i++) {
            world.run(1);
            slow += world.devicesUsed().contains("d1") ? 1 : 0;
        }
        assertThat(slow).isLessThan(10 * (DriftWindow.WARM_UP + DriftWindow.STEPS + 1));
        world.slowdown.clear();
        world.run(20_000);
        assertThat(world.devicesUsed()).containsExactlyInAnyOrder("d0", "d1");
    }

    @Test
    void allOfSeveralDevicesOtherThanTheSlowOneAreUsed() {
        World world = world(4);
        world.slowdown.put("d2", 6.0);
        world.run(200);
        double before = world.plan.predictedStepTime().toNanos() / 1e6;
        assertThat(world.lastStep).isLessThan(1.2 * before);
        assertThat(world.devicesUsed()).contains("d0", "d1", "d3");
    }

    @Test
    void aProfileThatIsWrongForSomeVerticesIsNoReasonToGoBackAndForth() {
        World world = new World(2, PlanOptions.defaults().withStages(2).withReplicas(1));
        world.noise = 0.1;
        for (int i = 0; i < 5_000; i++) {
            // The first 4 vertices are 3 times as slow as profiled, wherever they run.
            double millis = world.plan.stages().get(0).vertices().size() - 1;
            world.slowdown.put(world.plan.stages().get(0).device().id(), (millis + 2 * Math.min(4, millis)) / millis);
            world.slowdown.put(world.plan.stages().get(1).device().id(), 1.0);
            world.run(1);
        }
        assertThat(world.replanner.changes()).hasSizeLessThan(5);
    }

    @Test
    void aKindOfPlanThatWasSlowWhenItWasTriedIsNotGoneBackTo() {
        World world = new World(2, PlanOptions.defaults(), 4, 0);
        world.run(200);
        assertThat(world.replanner.isSettled()).isTrue();
        assertThat(world.plan.kind()).hasToString("data parallel");
        assertThat(world.replanner.measuredPlans())
                .anyMatch(tried -> tried.plan().kind().toString().equals("pipeline"));
        world.slowdown.put("d1", 2.0);
        world.run(200);
        assertThat(world.plan.kind()).hasToString("pipeline");

        World slowPipelines = new World(2, PlanOptions.defaults(), 4, 0);
        slowPipelines.kindFactor.put("pipeline", 1.8);
        slowPipelines.kindFactor.put("interleaved pipeline", 1.8);
        slowPipelines.run(200);
        slowPipelines.slowdown.put("d1", 2.0);
        slowPipelines.run(500);
        assertThat(slowPipelines.changes()).isEmpty();
    }

    @Test
    void keepsItsPlanIfNoneMeetsTheDeadlineNow() {
        PlanOptions options =
                PlanOptions.defaults().withStages(2).withReplicas(1).withMicroBatches(8);
        World free = new World(2, options);
        Duration deadline = free.plan.latestExecutionTime();
        World world = new World(2, options.withDeadline(deadline));
        world.slowdown.put("d1", 3.0);
        world.run(500);
        assertThat(world.changes()).isEmpty();
    }
}
