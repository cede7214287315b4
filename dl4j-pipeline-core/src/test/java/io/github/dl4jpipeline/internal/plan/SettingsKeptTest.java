package io.github.dl4jpipeline.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.NoPlanException;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.SplitTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever the profile: plans, re-plans and alternatives have what is asked for, or there are none. */
class SettingsKeptTest {
    private static final int PROFILES = 150;

    private final Random random = new Random(27);

    /** Data parallelism sends nothing, and is as fast: a plan with less traffic must not take the place of the stages. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8})
    void stagesWhereReplicasWouldSendLess(int microBatches) {
        List<VertexCost> costs = new ArrayList<>(List.of(even("in", 0)));
        for (String vertex : List.of("a", "b", "c", "o")) {
            costs.add(even(vertex, 50, costs.get(costs.size() - 1).vertex()));
        }
        GraphProfile profile = new GraphProfile(8, "d0", 1, MachineSpeed.UNKNOWN, Map.of(), costs);
        PlanOptions options = PlanOptions.defaults().withStages(2).withMicroBatches(microBatches);
        for (PartitionPlan plan : Finalists.of(profile, devices(2, 1), options)) {
            assertThat(plan.stages()).hasSize(2);
            assertThat(plan.microBatches()).isEqualTo(microBatches);
        }
    }

    private static VertexCost even(String name, double millis, String... inputs) {
        return new VertexCost(
                name,
                List.of(inputs),
                new PassTimes(millis, 0, millis),
                new PassTimes(2 * millis, 0, 2 * millis),
                new VertexBytes(1000, 1000, 1000, 1000));
    }

    @Test
    void ofAnyProfile() {
        int plans = 0;
        for (int i = 0; i < PROFILES; i++) {
            GraphProfile profile = profile();
            Devices devices = devices(1 + random.nextInt(4), 1 + random.nextInt(2));
            PlanOptions options = options(profile);
            for (PartitionPlan plan : finalists(profile, devices, options)) {
                plans++;
                assertKept(plan, options);
            }
        }
        assertThat(plans).isGreaterThan(PROFILES);
    }

    @Test
    void whenDevicesTurnOutToBeSlower() {
        for (int i = 0; i < PROFILES; i++) {
            GraphProfile profile = profile();
            Devices devices = devices(2, 1);
            PlanOptions options = options(profile);
            Slowdowns slow = Slowdowns.of(Map.of("d0", 1.0, "d1", 1 + 3 * random.nextDouble()), devices);
            Search search = new Search(profile, devices, options, slow, true);
            Finalists.of(search.candidates(), options).forEach(plan -> assertKept(plan, options));
        }
    }

    @Test
    void aSettledReplannerKeepsThem() {
        for (int i = 0; i < PROFILES / 5; i++) {
            GraphProfile profile = profile();
            Devices devices = devices(2, 1);
            PlanOptions options = PlanOptions.defaults().withStages(2).withMicroBatches(1 + random.nextInt(8));
            List<PartitionPlan> finalists = finalists(profile, devices, options);
            if (finalists.isEmpty()) {
                continue;
            }
            Replanner replanner = new Replanner(profile, devices, options, finalists);
            PartitionPlan plan = finalists.get(0);
            for (int step = 0; step < 300; step++) {
                double[] busy = plan.stages().stream()
                        .flatMap(stage -> stage.devices().stream())
                        .mapToDouble(device -> device.id().equals("d1") ? 40 : 10)
                        .toArray();
                plan = replanner.afterStep(new StepMeasurement(50, busy)).orElse(plan);
                assertKept(plan, options);
            }
        }
    }

    private static List<PartitionPlan> finalists(GraphProfile profile, Devices devices, PlanOptions options) {
        try {
            return Finalists.of(profile, devices, options);
        } catch (NoPlanException none) {
            return List.of();
        }
    }

    private static void assertKept(PartitionPlan plan, PlanOptions options) {
        String description = options + "\n" + plan.explain();
        options.stages()
                .ifPresent(stages -> assertThat(plan.stages()).as(description).hasSize(stages));
        options.replicas()
                .ifPresent(replicas ->
                        assertThat(plan.stages()).as(description).allMatch(stage -> stage.replicas() == replicas));
        options.microBatches()
                .ifPresent(microBatches ->
                        assertThat(plan.microBatches()).as(description).isEqualTo(microBatches));
        options.schedule()
                .ifPresent(
                        schedule -> assertThat(plan.schedule()).as(description).isEqualTo(schedule));
        if (!options.recompute().orElse(true)) {
            assertThat(plan.stages()).as(description).noneMatch(Stage::recompute);
        }
        assertThat(plan.latestExecutionTime()).as(description).isGreaterThanOrEqualTo(plan.predictedStepTime());
    }

    private static Devices devices(int count, double speedOfOthers) {
        return new Devices(IntStream.range(0, count)
                .mapToObj(core ->
                        new Device("d" + core, Device.Kind.CPU, List.of(core), 1L << 40, core == 0 ? 1 : speedOfOthers))
                .toList());
    }

    /** A graph of 2 to 8 vertices, each of which reads one or two of those before. */
    private GraphProfile profile() {
        List<VertexCost> costs = new ArrayList<>();
        costs.add(cost("in", List.of(), 0));
        int count = 2 + random.nextInt(7);
        for (int i = 0; i < count; i++) {
            TreeSet<Integer> inputs = new TreeSet<>(List.of(costs.size() - 1));
            inputs.add(random.nextInt(costs.size()));
            List<String> names =
                    inputs.stream().map(input -> costs.get(input).vertex()).toList();
            costs.add(cost("v" + i, names, 1 + random.nextInt(20)));
        }
        double joint = 1 + random.nextDouble();
        MachineSpeed machine = random.nextBoolean() ? MachineSpeed.UNKNOWN : new MachineSpeed(2, 1, joint, 0.9, 0.1);
        return new GraphProfile(1 + random.nextInt(32), "d0", 5, machine, Map.of(), costs);
    }

    /** With parameter gradients that can wait, and slowest times that are sometimes no longer than the usual ones. */
    private VertexCost cost(String name, List<String> inputs, double millis) {
        double fixed = random.nextDouble();
        double slowest = random.nextInt(3);
        return new VertexCost(
                name,
                inputs,
                new PassTimes(millis, millis * fixed, millis * (0.5 + slowest)),
                new PassTimes(2 * millis, 2 * millis * fixed, 2 * millis * (0.5 + slowest)),
                new SplitTimes(random.nextBoolean() ? millis : 0, random.nextInt(2) * millis),
                new VertexBytes(
                        random.nextInt(10_000),
                        random.nextInt(1_000),
                        random.nextInt(1_000),
                        random.nextInt(1_000),
                        0));
    }

    /** Each with an even chance. */
    private PlanOptions options(GraphProfile profile) {
        PlanOptions options = PlanOptions.defaults();
        if (random.nextBoolean()) {
            options = options.withStages(
                    1 + random.nextInt(Math.min(3, profile.vertices().size() - 1)));
        }
        if (random.nextBoolean()) {
            options = options.withReplicas(1 + random.nextInt(2));
        }
        if (random.nextBoolean()) {
            options = options.withMicroBatches(1 + random.nextInt(8));
        }
        if (random.nextBoolean()) {
            List<Schedule> all = Schedules.all();
            options = options.withSchedule(all.get(random.nextInt(all.size())));
        }
        if (random.nextBoolean()) {
            options = options.withRecompute(Optional.of(random.nextBoolean()));
        }
        return random.nextBoolean() ? options : options.withBytesPerSecond(1e6);
    }
}
