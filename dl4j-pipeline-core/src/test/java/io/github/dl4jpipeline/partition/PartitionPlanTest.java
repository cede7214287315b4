package io.github.dl4jpipeline.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.graph.GraphOutline;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Workers;
import io.github.dl4jpipeline.tile.TileGrid;
import io.github.dl4jpipeline.tile.Tiling;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartitionPlanTest {
    private static final Device FIRST = new Device("cpu-0", Device.Kind.CPU, List.of(0), 1_000, 1);
    private static final Device SECOND = new Device("cpu-1", Device.Kind.CPU, List.of(1), 1_000, 1);

    private static final Device THIRD = new Device("cpu-2", Device.Kind.CPU, List.of(2), 1_000, 1);

    private static PartitionPlan plan(double predictedMillis, double oneDeviceMillis) {
        return new PartitionPlan(
                List.of(
                        Stage.of(FIRST, List.of("in", "a", "b", "c"))
                                .withMillis(1, 2)
                                .withSentBytes(500_000)
                                .withMemoryBytes(3_000_000),
                        Stage.of(SECOND, List.of("d")).withMillis(0.5, 0.5)),
                4,
                Schedules.oneForwardOneBackward(),
                Optional.empty(),
                new Prediction(
                        32,
                        Duration.ofNanos((long) (predictedMillis * 1e6)),
                        Duration.ofNanos((long) (predictedMillis * 1.2e6)),
                        Duration.ofNanos((long) (oneDeviceMillis * 1e6)),
                        0.25),
                new PlanContext(
                        List.of(new Alternative("data parallel", 1, 2, 4, Duration.ofMillis(14))),
                        List.of("remember the milk"),
                        Optional.empty()));
    }

    @Test
    void explainIsATableThatAPersonCanRead() {
        assertThat(plan(13, 16).explain()).isEqualToNormalizingNewlines("""
                        Plan: 2 stages, 4 micro-batches of 8 examples, schedule 1f1b
                        stage  device  vertices    fwd ms  bwd ms  share %     sends  memory
                            0  cpu-0   in … c (4)     1.0     2.0       75  500.0 KB  3.0 MB
                            1  cpu-1   d              0.5     0.5       25       0 B     0 B
                        Predicted step of 32 examples, forward and backward: 13.0 ms, latest 15.6 ms, bubble 25 %.
                        Verdict: pipeline, 1.23 times as fast as one of its devices (16.0 ms).
                        Instead        stages  workers  micro  step ms  this plan's
                        data parallel       1        2      4     14.0   1.08 times
                        Note: remember the milk
                        Terms: fwd, bwd: forward, backward pass of a micro-batch. share: of the time of
                          all stages. sends: of a micro-batch to later stages. memory: of a replica;
                          parameters, gradients, updater state, activations in flight.
                          micro: micro-batches.
                          latest: when nearly all steps end. bubble: share of a step that workers wait.
                          1f1b: each stage takes a forward and a backward pass in turn.
                        """);
    }

    /** Tables and terms; sentences may be longer. */
    @Test
    void tablesFitIntoEightyCharacters() {
        List<Device> many = IntStream.range(0, 16)
                .mapToObj(i -> new Device("worker-" + i, Device.Kind.CPU, List.of(2 * i, 2 * i + 1), 1_000, 1))
                .toList();
        List<String> names = IntStream.range(0, 30)
                .mapToObj(i -> "inception_resnet_block_" + i + "_convolution")
                .toList();
        String kind = "interleaved zero-bubble pipeline of replicated stages";
        PartitionPlan plan = new PartitionPlan(
                List.of(
                        Stage.of(many, names)
                                .withMillis(12_345.6, 23_456.7)
                                .withSentBytes(500_000)
                                .withMemoryBytes(999_900_000)
                                .recomputing(),
                        Stage.of(FIRST, List.of("conv4", "conv5", "output"))),
                256,
                Schedules.zeroBubble(),
                Optional.empty(),
                new Prediction(512, Duration.ofSeconds(9), Duration.ofSeconds(9), Duration.ofSeconds(12), 0.25),
                new PlanContext(
                        List.of(new Alternative(kind, 16, 16, 256, Duration.ofSeconds(14))),
                        List.of(),
                        Optional.empty()));
        assertThat(plan.explain().lines())
                .filteredOn(line -> !line.startsWith("Predicted step of ") && !line.startsWith("Verdict: "))
                .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(80));
        assertThat(plan.explain())
                .contains("(16) (2", "threads)", "12345.6", "999.9 MB *", "*: computes activations again");
    }

    @Test
    void examplesMayHaveAnotherName() {
        assertThat(plan(13, 16).explain("sequence", "sequences"))
                .contains("4 micro-batches of 8 sequences", "Predicted step of 32 sequences")
                .doesNotContain("example");
    }

    @Test
    void theVerdictSaysWhenAPipelineDoesNotPay() {
        assertThat(plan(20, 16).explain())
                .contains("Verdict: pipeline, although one device would be 1.25 times as fast");
        assertThat(plan(16.01, 16).explain())
                .contains("Verdict: pipeline, no faster than one of its devices; leave stages and replicas");
    }

    @Test
    void plansThatContradictThemselves() {
        Stage stage = Stage.of(FIRST, List.of("a"));
        assertThatThrownBy(() -> PartitionPlan.of(List.of(stage, stage), 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Vertex 'a' is in two stages of the plan");
        assertThatThrownBy(() -> PartitionPlan.of(List.of(), 2)).hasMessageContaining("at least one stage");
        assertThatThrownBy(() -> PartitionPlan.of(List.of(stage), 0)).hasMessageContaining("got 0");
        assertThatThrownBy(() -> Stage.of(FIRST, List.of())).hasMessageContaining("at least one vertex");
    }

    @Test
    void isTheSameAfterJson() {
        Device device = new Device("cpu-0", Device.Kind.CPU, List.of(0, 1), 1L << 40, 1.5);
        Device other = new Device("cpu-1", Device.Kind.CPU, List.of(2), 1L << 30, 1);
        PartitionPlan plan = new PartitionPlan(
                List.of(
                        Stage.of(List.of(device, other), List.of("a", "b"))
                                .withMillis(1.25, 2.5)
                                .withSentBytes(10)
                                .withMemoryBytes(1L << 33)
                                .recomputing(),
                        Stage.of(other, List.of("c"))),
                4,
                Schedules.zeroBubble(),
                Optional.of(new Tiling(new TileGrid(2, 3), "a", "b", Set.of("a"))),
                new Prediction(
                        64, Duration.ofNanos(123_456_789), Duration.ofNanos(223_456_789), Duration.ofSeconds(3), 0.1),
                new PlanContext(
                        List.of(new Alternative("one device", 1, 1, 1, Duration.ofMillis(7))),
                        List.of("a note"),
                        Optional.of(new GraphOutline(List.of(
                                new GraphOutline.Part("a", List.of(), 0),
                                new GraphOutline.Part("b", List.of("a"), 1L << 33))))));
        assertThat(PartitionPlan.fromJson(plan.toJson())).isEqualTo(plan);
        PartitionPlan plain = PartitionPlan.of(List.of(Stage.of(other, List.of("c"))), 2);
        assertThat(PartitionPlan.fromJson(plain.toJson())).isEqualTo(plain);
    }

    @Test
    void readsPlansThatDoNotKnowTheirGraph() throws JsonProcessingException {
        PartitionPlan plan = plan(13, 16);
        ObjectNode json = (ObjectNode) new ObjectMapper()
                .readTree(plan.withGraph(new GraphOutline(List.of(new GraphOutline.Part("a", List.of(), 0))))
                        .toJson());
        json.remove("graph");
        assertThat(PartitionPlan.fromJson(json.toString())).isEqualTo(plan);
    }

    @Test
    void kindsInWords() {
        Stage first = Stage.of(FIRST, List.of("a"));
        Stage both = Stage.of(List.of(FIRST, SECOND), List.of("b"));
        Stage second = Stage.of(SECOND, List.of("c"));
        Stage third = Stage.of(FIRST, List.of("d"));
        assertThat(PartitionPlan.of(List.of(first), 1).kind()).hasToString("one device");
        Device joint = new Device("cpu", Device.Kind.CPU, List.of(0, 1), 1_000, 1);
        assertThat(PartitionPlan.of(List.of(Stage.of(joint, List.of("a"))), 1).kind())
                .hasToString("one device with 2 threads");
        assertThat(PartitionPlan.of(List.of(both), 2).kind()).hasToString("data parallel");
        assertThat(kind(first, second)).isEqualTo(new PlanKind(Parallelism.PIPELINE, 1, "", false, false));
        assertThat(kind(first, second)).hasToString("pipeline");
        assertThat(kind(first, both)).hasToString("pipeline of replicated stages");
        assertThat(kind(first, second, third)).hasToString("interleaved pipeline");
        PartitionPlan split = PartitionPlan.of(List.of(first, second, third), 2).withSchedule(Schedules.zeroBubble());
        assertThat(split.kind()).hasToString("interleaved zero-bubble pipeline");
        assertThat(PartitionPlan.of(List.of(both, second), 2)
                        .withSchedule(Schedules.zeroBubble())
                        .kind())
                .hasToString("zero-bubble pipeline of replicated stages");
        Tiling tiles = new Tiling(new TileGrid(2, 3), "a", "b", Set.of("a"));
        assertThat(PartitionPlan.of(List.of(first), 1).withTiling(tiles).kind()).hasToString("tiles");
    }

    private static PlanKind kind(Stage... stages) {
        return PartitionPlan.of(List.of(stages), 2).kind();
    }

    @Test
    void isTheSameAfterAFile(@TempDir Path directory) throws IOException {
        PartitionPlan plan = plan(13, 16);
        Path file = directory.resolve("plan.json");
        plan.save(file);
        assertThat(PartitionPlan.load(file)).isEqualTo(plan);
        Files.write(file, new byte[] {'{', (byte) 0xff});
        assertThatThrownBy(() -> PartitionPlan.load(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(file + " is not a plan: it is no text in UTF-8");
        Files.writeString(file, "{}");
        assertThatThrownBy(() -> PartitionPlan.load(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(file + " is not a plan: ");
        Path missing = directory.resolve("missing.json");
        assertThatThrownBy(() -> PartitionPlan.load(missing))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("Cannot read plan " + missing);
    }

    @Test
    void aScheduleOfTheUsersOwnCannotBeSaved(@TempDir Path directory) {
        Schedule own = new Schedule() {
            @Override
            public String name() {
                return "backwards";
            }

            @Override
            public List<List<Task>> tasks(Workers workers, int microBatches) {
                return Schedules.fillDrain().tasks(workers, microBatches);
            }
        };
        Path file = directory.resolve("plan.json");
        PartitionPlan plan = plan(13, 16).withSchedule(own);
        assertThatThrownBy(() -> plan.save(file))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'backwards'");
        assertThat(file).doesNotExist();
    }

    @Test
    void refusesOtherJson() {
        String json = PartitionPlan.of(
                        List.of(Stage.of(new Device("cpu-0", Device.Kind.CPU, List.of(0), 1, 1), List.of("only"))), 2)
                .toJson();
        for (String other : List.of(
                "",
                "null",
                "{}",
                "text",
                json.replace("\"microBatches\" : 2", "\"microBatches\" : 0"),
                json.replace("\"only\"", "null"),
                json.replace("\"graph\" : [ ]", "\"graph\" : null"),
                json.replace("\"graph\" : [ ]", "\"graph\" : [ null ]"),
                json.replace("\"graph\" : [ ]", "\"graph\" : [ {\"vertex\" : \"only\"} ]"),
                json.replace("\"1f1b\"", "\"gpipe\""),
                json.replace("\"CPU\"", "\"TPU\""),
                json.replace("\"examples\" : 2", "\"examples\" : 2, \"examples\" : 3"),
                json + "{}")) {
            assertThatThrownBy(() -> PartitionPlan.fromJson(other))
                    .as(other)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("This is not a plan: ");
        }
    }

    private static Stage stage(double forward, double backward, Device... devices) {
        return Stage.of(List.of(devices), List.of("v" + forward))
                .withMillis(forward, backward)
                .withSentBytes(10)
                .withMemoryBytes(20);
    }

    @Test
    void theSlowestWorkerIsTheBottleneck() {
        PartitionPlan plan = PartitionPlan.of(List.of(stage(3, 5, FIRST), stage(4, 6, SECOND)), 2);
        assertThat(plan.bottleneckMillis()).isEqualTo(10);
        PartitionPlan replicated = PartitionPlan.of(List.of(stage(3, 5, FIRST), stage(4, 7, SECOND, THIRD)), 2);
        assertThat(replicated.bottleneckMillis()).isEqualTo(8);
        PartitionPlan inTurn = PartitionPlan.of(
                List.of(stage(1, 2, FIRST), stage(2, 3, SECOND), stage(3, 4, FIRST), stage(4, 1, SECOND)), 2);
        assertThat(inTurn.bottleneckMillis()).isEqualTo(10);
        assertThat(inTurn.workers()).isEqualTo(2);
    }

    @Test
    void devicesAreNamedOnce() {
        PartitionPlan plan = PartitionPlan.of(List.of(stage(1, 2, FIRST), stage(2, 3, SECOND), stage(3, 4, FIRST)), 2);
        assertThat(plan.devices().list()).containsExactly(FIRST, SECOND);
    }

    @Test
    void microBatchesRunTogetherIfEachHasAReplicaInEveryStage() {
        assertThat(PartitionPlan.of(List.of(stage(1, 2, FIRST, SECOND)), 2).runsMicroBatchesTogether())
                .isTrue();
        assertThat(PartitionPlan.of(List.of(stage(1, 2, FIRST, SECOND)), 3).runsMicroBatchesTogether())
                .isFalse();
        assertThat(PartitionPlan.of(List.of(stage(1, 2, FIRST, SECOND), stage(2, 3, THIRD)), 2)
                        .runsMicroBatchesTogether())
                .isFalse();
    }

    @Test
    void runsLikeAnotherIfOnlyWordsDiffer() {
        PartitionPlan plan = plan(13, 16);
        assertThat(plan.runsLike(plan.withNote("another")
                        .withAlternatives(List.of())
                        .withLatestExecutionTime(Duration.ofMillis(99))))
                .isTrue();
        assertThat(plan.runsLike(plan.withSchedule(Schedules.fillDrain()))).isFalse();
        assertThat(plan.runsLike(plan.withTiling(new Tiling(new TileGrid(1, 2), "a", "b", Set.of()))))
                .isFalse();
        assertThat(plan.runsLike(plan.withStages(List.of(stage(1, 2, FIRST))))).isFalse();
        assertThat(PartitionPlan.of(plan.stages(), 2).runsLike(PartitionPlan.of(plan.stages(), 3)))
                .isFalse();
    }

    @Test
    void theSamePlanWithSomethingElse() {
        PartitionPlan plan = plan(13, 16);
        assertThat(plan.withNote("another").notes()).containsExactly("remember the milk", "another");
        assertThat(plan.withAlternatives(List.of()).alternatives()).isEmpty();
        assertThat(plan.withLatestExecutionTime(Duration.ofMillis(99)).latestExecutionTime())
                .isEqualTo(Duration.ofMillis(99));
        assertThat(plan.withLatestExecutionTime(Duration.ofMillis(99)).predictedStepTime())
                .isEqualTo(plan.predictedStepTime());
        Stage stage = stage(1, 2, FIRST);
        assertThat(plan.withStages(List.of(stage)).stages()).containsExactly(stage);
        assertThat(stage.recomputing().recompute()).isTrue();
        assertThat(stage.recomputing().vertices()).isEqualTo(stage.vertices());
        assertThat(stage.withMemoryBytes(77).memoryBytes()).isEqualTo(77);
        assertThat(stage.withMemoryBytes(77).sentBytes()).isEqualTo(10);
        assertThat(stage.on(List.of(SECOND)).devices()).containsExactly(SECOND);
        assertThat(stage.on(List.of(SECOND)).memoryBytes()).isEqualTo(20);
        assertThat(stage.recomputing().withoutPredictions())
                .isEqualTo(Stage.of(FIRST, stage.vertices()).recomputing());
    }

    @Test
    void whatItSaysOfItself() {
        PartitionPlan plan = plan(13, 16);
        assertThat(plan.summary()).isEqualTo("pipeline, stages 2, workers 2, micro-batches 4");
        assertThat(plan).hasToString(plan.explain());
        assertThat(plan.splitsBackward()).isFalse();
        assertThat(plan.withSchedule(Schedules.zeroBubble()).splitsBackward()).isTrue();
    }

    private static PartitionPlan grouping(PartitionPlan plan, int grouped) {
        Stage last = plan.stages().get(plan.stages().size() - 1);
        List<Stage> stages =
                new ArrayList<>(plan.stages().subList(0, plan.stages().size() - 1));
        stages.add(last.grouping(grouped));
        return plan.withStages(stages);
    }

    @Test
    void groupsOfMicroBatches() {
        PartitionPlan plan = grouping(plan(13, 16), 2);
        assertThat(plan(13, 16).grouped()).isEqualTo(1);
        assertThat(plan.grouped()).isEqualTo(2);
        assertThat(plan.explain()).contains("Dense layers of stage 1 run 2 micro-batches as one.");
        assertThat(PartitionPlan.fromJson(plan.toJson())).isEqualTo(plan);
        assertThat(grouping(plan, 100).grouped()).isEqualTo(4);
        assertThat(plan.runsLike(plan(13, 16))).isFalse();
        assertThat(plan.kind()).hasToString("grouped pipeline");
        assertThatThrownBy(() -> grouping(plan, 0)).hasMessageContaining("at least 1 micro-batch as one, got 0");
    }

    @Test
    void groupsWhereTheyCannotBe() {
        Stage both = Stage.of(List.of(FIRST, SECOND), List.of("in", "a")).grouping(2);
        assertThat(PartitionPlan.of(List.of(both), 4).grouped()).isEqualTo(1);
        Stage again = Stage.of(FIRST, List.of("in", "a")).grouping(2).recomputing();
        assertThat(PartitionPlan.of(List.of(again), 4).grouped()).isEqualTo(1);
        assertThat(again.withoutPredictions()).isEqualTo(again);
    }

    @Test
    void filesOfBeforeHaveNoGroups() throws JsonProcessingException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode json = (ObjectNode) mapper.readTree(plan(13, 16).toJson());
        json.get("stages").forEach(stage -> ((ObjectNode) stage).remove("grouped"));
        assertThat(PartitionPlan.fromJson(json.toString())).isEqualTo(plan(13, 16));
    }
}
