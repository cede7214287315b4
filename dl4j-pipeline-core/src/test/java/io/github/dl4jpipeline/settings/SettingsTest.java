package io.github.dl4jpipeline.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.branch.BranchInference;
import io.github.dl4jpipeline.branch.BranchPart;
import io.github.dl4jpipeline.branch.BranchParts;
import io.github.dl4jpipeline.branch.BranchSplitter;
import io.github.dl4jpipeline.branch.BranchTrainer;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.FusedTiling;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import io.github.dl4jpipeline.schedule.ScheduleSimulator;
import io.github.dl4jpipeline.schedule.Schedules;
import io.github.dl4jpipeline.schedule.StageTimes;
import io.github.dl4jpipeline.schedule.Workers;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** Settings are kept, or refused when the pipeline is built, by name, with their value and what to do. */
class SettingsTest {
    private static final GraphProfile PROFILE = SameResult.evenProfile(graph(), 8);

    private final MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 8, 3, 6);

    private static ComputationGraph graph() {
        return TestGraphs.graph(TestGraphs.dense(DataType.DOUBLE, settings -> settings));
    }

    private static PartitionPlan twoStages() {
        return SameResult.evenPlan(graph(), 2, 4);
    }

    private static UnaryOperator<PipelineBuilder> with(UnaryOperator<PipelineBuilder> settings) {
        return settings;
    }

    static Stream<Arguments> contradictions() {
        PartitionPlan plan = twoStages();
        PartitionPlan one = SameResult.evenPlan(graph(), 1, 1);
        return Stream.of(
                Arguments.of("stages(3) contradicts the plan, which has 1 stages", with(b -> b.plan(one)
                        .stages(3))),
                Arguments.of("stages(3) contradicts the plan, which has 2 stages", with(b -> b.stages(3)
                        .plan(plan))),
                Arguments.of("microBatches(2) contradicts the plan, which has 4 micro-batches", with(b -> b.plan(plan)
                        .microBatches(2))),
                Arguments.of("replicas(2) contradicts the plan, which has 1 replicas", with(b -> b.plan(plan)
                        .replicas(2))),
                Arguments.of("a stage on cpu-1 with cores", with(b -> b.plan(plan)
                        .devices(Devices.of(Devices.cpu(2).get(0))))),
                Arguments.of("recompute(true) contradicts the plan", with(b -> b.plan(plan)
                        .recompute(true))),
                Arguments.of("recompute(false) contradicts the plan", with(b -> b.plan(SameResult.recomputing(plan))
                        .recompute(false))),
                Arguments.of(
                        "tiling(grid 2x2, from 'a' to 'b', not cut) contradicts the plan, which has tiles of its own",
                        with(b -> b.plan(plan.withTiling(
                                        FusedTiling.grid(1, 2).from("a").to("b").tiling()))
                                .tiling(FusedTiling.grid(2, 2).from("a").to("b")))),
                Arguments.of("stages(5): cannot cut 4 vertices into 5 stages", with(b -> b.stages(5))),
                Arguments.of("replicas(3) share the micro-batches", with(b -> b.replicas(3)
                        .microBatches(2))),
                Arguments.of("recompute(true), not both", with(b -> b.recompute(true)
                        .tiling(FusedTiling.grid(2, 2).from("a").to("b")))));
    }

    @ParameterizedTest
    @MethodSource("contradictions")
    void areRefused(String message, UnaryOperator<PipelineBuilder> settings) {
        assertThatThrownBy(() -> settings.apply(PipelineComputationGraph.builder(graph()))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void whatAgreesWithAPlanIsTaken() {
        PartitionPlan plan = twoStages();
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph())
                .plan(plan)
                .stages(2)
                .replicas(1)
                .microBatches(4)
                .devices(Devices.cpu(2))
                .schedule(Schedules.fillDrain())
                .recompute(false)
                .deadline(Duration.ofMillis(1))
                .build()) {
            net.fit(batch);
            assertThat(net.plan().schedule()).isEqualTo(Schedules.fillDrain());
            assertThat(net.plan().stages()).isEqualTo(plan.stages());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 16})
    void stagesAndMicroBatchesAreThoseAskedFor(int microBatches) {
        ComputationGraph graph = graph();
        ComputationGraph expected = SameResult.plain(graph, List.of(batch));
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(2))
                .profile(SameResult.evenProfile(graph, 16))
                .stages(2)
                .microBatches(microBatches) // also more than there are examples in the first batch
                .build()) {
            net.fit(batch);
            assertThat(net.plan().stages()).hasSize(2);
            assertThat(net.plan().microBatches()).isEqualTo(microBatches);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    private static UnaryOperator<PipelineBuilder> tiled(int stages) {
        return builder ->
                builder.tiling(FusedTiling.grid(2, 2).from("conv1").to("conv2")).stages(stages);
    }

    /** All tiled vertices are in one stage, wherever the planner would cut otherwise; and the plan says that they are tiled. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void tilesBesideStages(int stages) {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        MultiDataSet images = TestData.classification(DataType.DOUBLE, 1, 8, 4, 1, 14, 14);
        ComputationGraph expected = SameResult.plain(graph, List.of(images));
        try (PipelineComputationGraph net = tiled(stages)
                .apply(PipelineComputationGraph.builder(graph).profile(SameResult.evenProfile(graph, 8)))
                .devices(Devices.cpu(2))
                .build()) {
            net.fit(images);
            assertThat(net.plan().stages()).hasSize(stages).anySatisfy(stage -> assertThat(stage.vertices())
                    .contains("conv1", "pool1", "conv2"));
            assertThat(net.plan().tiling()).isPresent();
            assertThat(net.report().tiles()).isPresent();
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @Test
    void aPlanSaysWhichTilesTheUserHasAskedForBesideIt() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        FusedTiling tiling = FusedTiling.grid(2, 2).from("conv1").to("conv1");
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 2))
                .tiling(tiling)
                .build()) {
            assertThat(net.plan().tiling()).contains(tiling.tiling());
        }
    }

    @Test
    void aPlanOfThePlannerAgreesWithItsOwnSettings() {
        ComputationGraph graph = graph();
        Devices devices = Devices.cpu(2);
        GraphProfile profile = GraphProfiler.profile(graph, batch, devices);
        for (int stages = 1; stages <= 3; stages++) {
            PartitionPlan plan =
                    Planner.plan(profile, devices, PlanOptions.defaults().withStages(stages));
            PipelineComputationGraph.builder(graph)
                    .devices(devices)
                    .profile(profile)
                    .plan(plan)
                    .stages(stages)
                    .build()
                    .close();
        }
    }

    @Test
    void aPlanOfAnotherGraph() {
        ComputationGraph other = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        assertThatThrownBy(() -> PipelineComputationGraph.builder(other)
                        .plan(twoStages())
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no vertex 'values'");
    }

    private static ComputationGraph named(int width, boolean skip) {
        ComputationGraphConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("values")
                .addLayer("first", TestGraphs.dense(6, width), "values")
                .addLayer("second", TestGraphs.dense(skip ? 6 : width, 6), skip ? "values" : "first")
                .addLayer(
                        "output",
                        TestGraphs.softmax(skip ? 6 + width : 6, 3),
                        skip ? new String[] {"first", "second"} : new String[] {"second"})
                .setOutputs("output")
                .build();
        return TestGraphs.graph(configuration);
    }

    /** Compared are vertices, edges and sizes, not only names. */
    @Test
    void aProfileOfAnotherGraph() {
        GraphProfile profile = GraphProfiler.profile(named(8, false), batch);
        PipelineComputationGraph.builder(named(8, false))
                .profile(profile)
                .build()
                .close();
        assertRefused(
                named(9, false), profile, "vertex 'first' has 448 bytes of parameters in it, and 504 in the graph");
        assertRefused(named(8, true), profile, "vertex 'second' reads [first] in it, and [values] in the graph");
        assertRefused(graph(), profile, "it has vertices [first, second], which the graph has not");
        assertRefused(
                TestGraphs.graph(TestGraphs.dense(DataType.FLOAT, settings -> settings)),
                GraphProfiler.profile(graph(), batch),
                "bytes of parameters in it");
    }

    private static ComputationGraph joined(boolean skip, int width) {
        return TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("values")
                .addLayer("first", TestGraphs.dense(6, 6), "values")
                .addLayer("second", TestGraphs.dense(6, width), skip ? "values" : "first")
                .addLayer("output", TestGraphs.softmax(6 + width, 3), "first", "second")
                .setOutputs("output")
                .build());
    }

    /** The same for a plan, also one from a file. Of a plan that does not know its graph only names are compared. */
    @Test
    void aPlanOfAnotherGraphWithTheSameNames() {
        Devices devices = Devices.cpu(2);
        PartitionPlan planned = Planner.plan(
                GraphProfiler.profile(joined(false, 8), batch, devices),
                devices,
                PlanOptions.defaults().withStages(2));
        for (PartitionPlan plan : List.of(planned, PartitionPlan.fromJson(planned.toJson()))) {
            build(joined(false, 8), plan);
            assertRefused(
                    joined(false, 9), plan, "vertex 'second' has 448 bytes of parameters in it, and 504 in the graph");
            assertRefused(joined(true, 8), plan, "vertex 'second' reads [first] in it, and [values] in the graph");
        }
        PartitionPlan byHand = SameResult.evenPlan(joined(false, 8), 2, 2);
        assertThat(byHand.graph()).isEmpty();
        build(joined(true, 9), byHand);
    }

    private static void build(ComputationGraph graph, PartitionPlan plan) {
        PipelineComputationGraph.builder(graph).plan(plan).build().close();
    }

    private static void assertRefused(ComputationGraph graph, PartitionPlan plan, String message) {
        assertThatThrownBy(() -> build(graph, plan))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("The plan is of another graph: ")
                .hasMessageContaining(message)
                .hasMessageContaining("leave plan out, or make one for this graph with Planner.plan");
    }

    private static void assertRefused(ComputationGraph graph, GraphProfile profile, String message) {
        assertThatThrownBy(() ->
                        PipelineComputationGraph.builder(graph).profile(profile).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("The profile is of another graph: ")
                .hasMessageContaining(message)
                .hasMessageContaining("GraphProfiler.profile");
    }

    @Test
    void moreDevicesThanCores() {
        int cores = Runtime.getRuntime().availableProcessors();
        assertThatThrownBy(() -> PipelineComputationGraph.builder(graph())
                        .devices(Devices.cpu(cores + 1))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining((cores + 1) + " devices share the cores of fewer")
                .hasMessageContaining("use Devices.cpu()");
        Device core = Devices.cpu().get(0);
        Devices same = Devices.of(
                new Device("a", Device.Kind.CPU, core.cores(), 1 << 20, 1),
                new Device("b", Device.Kind.CPU, core.cores(), 1 << 20, 1));
        assertThatThrownBy(() ->
                        PipelineComputationGraph.builder(graph()).devices(same).build())
                .hasMessageContaining("2 devices share");
        PipelineComputationGraph.builder(graph())
                .devices(same)
                .stages(2)
                .build()
                .close();
        PipelineComputationGraph.builder(graph())
                .devices(same)
                .replicas(2)
                .build()
                .close();
    }

    @SuppressWarnings("NullOptional") // as code that is not checked for null may do
    static Stream<Arguments> nulls() {
        return Stream.<Arguments>of(
                Arguments.of("devices", call(b -> b.devices(null))),
                Arguments.of("schedule", call(b -> b.schedule(null))),
                Arguments.of("deadline", call(b -> b.deadline(null))),
                Arguments.of("batchNorm", call(b -> b.batchNorm(null))),
                Arguments.of("kernels", call(b -> b.kernels(null))),
                Arguments.of("profile", call(b -> b.profile(null))),
                Arguments.of("plan", call(b -> b.plan(null))),
                Arguments.of("tiling", call(b -> b.tiling(null))),
                Arguments.of("schedule", call(b -> PlanOptions.defaults()
                        .withSchedule((io.github.dl4jpipeline.schedule.Schedule) null))),
                Arguments.of("deadline", call(b -> PlanOptions.defaults().withDeadline((Duration) null))),
                Arguments.of("recompute", call(b -> PlanOptions.defaults().withRecompute(null))),
                Arguments.of("stages", call(b -> PlanOptions.defaults().withStages(null))),
                Arguments.of("replicas", call(b -> PlanOptions.defaults().withReplicas(null))),
                Arguments.of("microBatches", call(b -> PlanOptions.defaults().withMicroBatches(null))),
                Arguments.of("note", call(b -> PlanOptions.defaults().withNote(null))),
                Arguments.of("from", call(b -> FusedTiling.grid(1, 1).from(null))),
                Arguments.of("to", call(b -> FusedTiling.grid(1, 1).to(null))),
                Arguments.of("cutAfter", call(b -> FusedTiling.grid(1, 1).cutAfter((String) null))),
                Arguments.of("Devices", call(b -> Devices.of((Device) null))),
                Arguments.of("inOneStage", call(b -> PlanOptions.defaults().withInOneStage(null))),
                Arguments.of("cutAfter", call(b -> FusedTiling.grid(1, 1).cutAfter((String[]) null))),
                Arguments.of("tiling", call(b -> FusedTiling.of(null))),
                Arguments.of("id of a device", call(b -> device(null, Device.Kind.CPU, List.of(0)))),
                Arguments.of("kind of device d", call(b -> device("d", null, List.of(0)))),
                Arguments.of("cores of device d", call(b -> device("d", Device.Kind.CPU, null))),
                Arguments.of(
                        "cores of device d", call(b -> device("d", Device.Kind.CPU, Collections.singletonList(null)))),
                Arguments.of("Devices", call(b -> new Devices(null))),
                Arguments.of("Devices", call(b -> Devices.of((Device[]) null))),
                Arguments.of("profile", call(b -> Planner.plan(null, Devices.cpu(1), PlanOptions.defaults()))),
                Arguments.of("devices", call(b -> Planner.plan(PROFILE, null, PlanOptions.defaults()))),
                Arguments.of("options", call(b -> Planner.finalists(PROFILE, Devices.cpu(1), null))),
                Arguments.of("plan", call(b -> Planner.predict(null, PROFILE, Devices.cpu(1), PlanOptions.defaults()))),
                Arguments.of("file", call(b -> GraphProfile.load(null))),
                Arguments.of("file", call(b -> GraphProfile.readPipeDream(null))),
                Arguments.of("file", call(b -> PROFILE.save(null))),
                Arguments.of("json", call(b -> GraphProfile.fromJson("name", null))),
                Arguments.of("json", call(b -> PartitionPlan.fromJson(null))),
                Arguments.of(
                        "graph", call(b -> GraphProfiler.profile(null, TestData.words(DataType.DOUBLE, 1, 1, 2, 2)))),
                Arguments.of("sample", call(b -> GraphProfiler.profile(graph(), (MultiDataSet) null))),
                Arguments.of("sample", call(b -> GraphProfiler.profile(graph(), (DataSet) null))),
                Arguments.of("stages of a plan", call(b -> PartitionPlan.of(null, 1))),
                Arguments.of("schedule of a plan", call(b -> twoStages().withSchedule(null))),
                Arguments.of("tiling of a plan", call(b -> twoStages().withTiling(null))),
                Arguments.of("notes of a plan", call(b -> twoStages().withNote(null))),
                Arguments.of("device of a stage", call(b -> Stage.of((Device) null, List.of("a")))),
                Arguments.of(
                        "vertices of a stage", call(b -> Stage.of(Devices.cpu(1).get(0), null))),
                Arguments.of("name of a schedule", call(b -> Schedules.named(null))),
                Arguments.of("schedule", call(b -> ScheduleSimulator.simulate(null, List.of(StageTimes.of(1, 1)), 1))),
                Arguments.of("stages", call(b -> ScheduleSimulator.simulate(Schedules.fillDrain(), null, 1))),
                Arguments.of("replicas", call(b -> new Workers(null))),
                Arguments.of("graph", call(b -> VertexGraph.of(null))),
                Arguments.of("configuration", call(b -> BranchSplitter.branches(2)
                        .split((ComputationGraphConfiguration) null))),
                Arguments.of("factors", call(b -> BranchSplitter.branches(2).fatten((double[]) null))),
                Arguments.of("budget", call(b -> BranchSplitter.fitting(null))),
                Arguments.of("splitter", call(b -> BranchTrainer.of(null))),
                Arguments.of("branched", call(b -> BranchInference.of(null, Devices.cpu(1)))),
                Arguments.of("branched", call(b -> BranchParts.of(null))),
                Arguments.of("parts", call(b -> BranchParts.join(null))),
                Arguments.of("file", call(b -> BranchPart.load(null))),
                Arguments.of("graph", call(b -> PipelineComputationGraph.builder((ComputationGraph) null))),
                Arguments.of("network", call(b -> PipelineComputationGraph.builder((MultiLayerNetwork) null))));
    }

    private static Device device(String id, Device.Kind kind, List<Integer> cores) {
        return new Device(id, kind, cores, 1, 1);
    }

    private static Consumer<PipelineBuilder> call(Consumer<PipelineBuilder> call) {
        return call;
    }

    @ParameterizedTest
    @MethodSource("nulls")
    void nullIsRefusedByName(String name, Consumer<PipelineBuilder> call) {
        PipelineBuilder builder = PipelineComputationGraph.builder(graph());
        assertThatThrownBy(() -> call.accept(builder))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(name)
                .hasMessageContaining("null");
    }

    @Test
    void nullInTrainingIsRefusedByName() {
        ComputationGraph graph = graph();
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 1, 1))
                .build()) {
            Map<String, Runnable> calls = Map.of(
                    "iterator must not be null", () -> net.fit((DataSetIterator) null),
                    "iterator must not be null ", () -> net.fit((MultiDataSetIterator) null),
                    "listeners must not have null in it", () -> net.addListeners((TrainingListener) null),
                    "data must not be null", () -> net.score((MultiDataSet) null));
            calls.forEach((message, call) -> assertThatThrownBy(call::run)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(message.strip()));
            net.fit(batch);
            assertThat(net.getIterationCount()).isEqualTo(1);
        }
    }

    @Test
    void valuesOutOfRange() {
        PipelineBuilder builder = PipelineComputationGraph.builder(graph());
        assertThatThrownBy(() -> builder.replicas(0)).hasMessage("replicas must be at least 1, got 0");
        assertThatThrownBy(() -> builder.microBatches(Integer.MAX_VALUE))
                .hasMessage("microBatches must be at most 65536, got 2147483647");
        assertThatThrownBy(() -> builder.replicas(Integer.MAX_VALUE))
                .hasMessage("replicas must be at most 1024, got 2147483647");
        assertThatThrownBy(() -> PartitionPlan.of(twoStages().stages(), Integer.MAX_VALUE))
                .hasMessage("A plan needs at least 1 micro-batch, and at most 65536, got 2147483647");
        assertThatThrownBy(() -> Devices.cpu(Integer.MAX_VALUE))
                .hasMessage("Number of CPU devices must be at most 65536, got 2147483647");
        assertThatThrownBy(() -> BranchSplitter.branches(Integer.MAX_VALUE))
                .hasMessage("Number of branches must be at least 1 and at most 65536, got 2147483647");
        assertThatThrownBy(() -> BranchSplitter.branches(2).fatten()).hasMessageContaining("got none");
        for (Duration deadline : List.of(Duration.ZERO, Duration.ofMillis(-1))) {
            assertThatThrownBy(() -> builder.deadline(deadline))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("deadline must be positive, got " + deadline);
        }
    }
}
