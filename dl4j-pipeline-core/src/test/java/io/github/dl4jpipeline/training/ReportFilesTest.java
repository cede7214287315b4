package io.github.dl4jpipeline.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.report.PipelineReport;
import io.github.dl4jpipeline.report.StepSample;
import io.github.dl4jpipeline.report.TrainingHistory;
import io.github.dl4jpipeline.schedule.Schedules;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPInputStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** The files that a report writes. */
class ReportFilesTest {
    @TempDir
    private Path directory;

    private static PipelineReport report(int steps) {
        ComputationGraph graph = Network.LENET.graph(DataType.FLOAT);
        MultiDataSet batch = Network.LENET.batches(DataType.FLOAT, 1).get(0);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(2))
                .plan(SameResult.evenPlan(graph, 2, 4))
                .schedule(Schedules.oneForwardOneBackward())
                .build()) {
            for (int i = 0; i < steps; i++) {
                net.fit(batch);
            }
            return net.report();
        }
    }

    private static JsonNode json(Path file) throws IOException {
        try (InputStream plain = Files.newInputStream(file);
                InputStream in = file.toString().endsWith(".gz") ? new GZIPInputStream(plain) : plain) {
            return new ObjectMapper().readTree(in);
        }
    }

    @Test
    void aTraceHasTheLastSteps() throws IOException {
        Path file = directory.resolve("trace.json.gz");
        report(25).writeTrace(file);
        List<JsonNode> all = events(file);
        assertThat(with(all, "X"))
                .filteredOn(event -> event.get("cat").asText().equals("step"))
                .hasSize(20);
        // 2 stages, 4 micro-batches, forward and backward
        assertThat(with(all, "X"))
                .filteredOn(event -> event.get("args").has("microBatch"))
                .hasSize(20 * 16);
        assertThat(with(all, "f")).hasSize(20 * 8);
        assertFollowsTheFormat(all);
    }

    /** Otherwise Perfetto leaves events out, or shows them elsewhere. */
    private static void assertFollowsTheFormat(List<JsonNode> all) {
        assertThat(all).extracting(event -> event.get("ph").asText()).containsOnly("X", "s", "f", "C", "M");
        assertThat(all).allSatisfy(event -> {
            assertThat(event.get("name").asText()).isNotEmpty();
            assertThat(event.get("pid").asInt()).isPositive();
            assertThat(event.get("tid").asInt()).isPositive(); // 0 is the idle thread of a processor
        });
        assertNamesAreThoseOfRows(all);
        assertSlicesDoNotOverlap(with(all, "X"));
        assertArrowsGoFromSliceToSlice(all);
        assertCountersCount(with(all, "C"));
    }

    private static void assertNamesAreThoseOfRows(List<JsonNode> all) {
        List<JsonNode> names = with(all, "M");
        assertThat(names)
                .filteredOn(name -> name.get("name").asText().equals("process_name"))
                .extracting(name -> name.get("args").get("name").asText())
                .containsExactly("dl4j-pipeline");
        Map<Integer, String> rows = new HashMap<>();
        names.stream()
                .filter(name -> name.get("name").asText().equals("thread_name"))
                .forEach(name -> assertThat(rows.put(
                                name.get("tid").asInt(),
                                name.get("args").get("name").asText()))
                        .as("only name of a row")
                        .isNull());
        assertThat(rows.values()).containsExactlyInAnyOrder("steps", "stage 0 on cpu-0", "stage 1 on cpu-1");
        assertThat(all).allSatisfy(event -> assertThat(rows)
                .containsKey(event.get("tid").asInt()));
    }

    private static void assertSlicesDoNotOverlap(List<JsonNode> slices) {
        Map<Integer, Long> until = new HashMap<>();
        slices.stream().sorted(Comparator.comparingLong(ReportFilesTest::begin)).forEach(slice -> {
            int row = slice.get("tid").asInt();
            assertThat(begin(slice)).isNotNegative().isGreaterThanOrEqualTo(until.getOrDefault(row, 0L));
            assertThat(end(slice)).isGreaterThanOrEqualTo(begin(slice));
            until.put(row, end(slice));
        });
    }

    private static void assertArrowsGoFromSliceToSlice(List<JsonNode> all) {
        List<JsonNode> slices = with(all, "X");
        Map<Long, JsonNode> starts = new HashMap<>();
        with(all, "s").forEach(start -> assertThat(starts.put(start.get("id").asLong(), start))
                .as("only arrow with its id")
                .isNull());
        List<JsonNode> ends = with(all, "f");
        assertThat(ends).hasSameSizeAs(starts.keySet());
        for (JsonNode end : ends) {
            JsonNode start = starts.get(end.get("id").asLong());
            assertThat(List.of(end.get("name"), end.get("cat")))
                    .isEqualTo(List.of(start.get("name"), start.get("cat")));
            assertThat(begin(start)).isLessThanOrEqualTo(begin(end));
            assertThat(start.get("tid").asInt()).isNotEqualTo(end.get("tid").asInt());
            assertThat(end.get("bp").asText()).isEqualTo("e"); // it belongs to the slice around it
            assertThat(slices).filteredOn(slice -> isInside(start, slice)).hasSize(1);
            assertThat(slices).filteredOn(slice -> isInside(end, slice)).hasSize(1);
        }
    }

    private static void assertCountersCount(List<JsonNode> counters) {
        assertThat(counters)
                .extracting(event -> event.get("name").asText())
                .contains("micro-batches held", "memory, MB");
        assertThat(counters).allSatisfy(counter -> {
            assertThat(begin(counter)).isNotNegative();
            assertThat(counter.get("args")).hasSize(2).allSatisfy(value -> assertThat(value.asDouble())
                    .isNotNegative());
        });
        List<JsonNode> held = counters.stream()
                .filter(counter -> counter.get("name").asText().equals("micro-batches held"))
                .sorted(Comparator.comparingLong(ReportFilesTest::begin))
                .toList();
        assertThat(held.get(held.size() - 1).get("args"))
                .allSatisfy(value -> assertThat(value.asInt()).isZero());
    }

    private static long begin(JsonNode event) {
        return nanos(event.get("ts"));
    }

    private static long end(JsonNode slice) {
        return begin(slice) + nanos(slice.get("dur"));
    }

    private static long nanos(JsonNode micros) {
        return Math.round(micros.asDouble() * 1e3);
    }

    private static List<JsonNode> events(Path file) throws IOException {
        return StreamSupport.stream(json(file).get("traceEvents").spliterator(), false)
                .toList();
    }

    private static List<JsonNode> with(List<JsonNode> events, String phase) {
        return events.stream()
                .filter(event -> event.get("ph").asText().equals(phase))
                .toList();
    }

    /** At its end, a slice is over. */
    private static boolean isInside(JsonNode arrow, JsonNode slice) {
        return arrow.get("tid").equals(slice.get("tid"))
                && begin(slice) <= begin(arrow)
                && (begin(arrow) < end(slice) || begin(slice) == end(slice));
    }

    @Test
    void timesOfALongRunHaveNoExponents() throws IOException {
        Path file = directory.resolve("trace.json");
        report(3).writeTrace(file);
        assertThat(Files.readString(file)).doesNotContainPattern("\"(ts|dur)\":[-0-9.]*E");
    }

    @Test
    void aTraceBeforeTheFirstStepIsEmpty() throws IOException {
        Path file = directory.resolve("trace.json");
        report(0).writeTrace(file);
        assertThat(with(events(file), "X")).isEmpty();
    }

    @Test
    void aPageIsWholeAndLoadsNothing() throws Exception {
        Path file = directory.resolve("report.html");
        report(3).writeHtml(file);
        String page = Files.readString(file);
        assertThat(page)
                .contains("Content-Security-Policy", "default-src 'none'", "stage 0", "Measured, last step", "Score")
                .contains(
                        "Settings of the plan",
                        "schedule",
                        "1f1b",
                        "Machine and software",
                        System.getProperty("java.version"),
                        "1.0.0-M2.1")
                .doesNotContain("http://", "https://", "<script", "src=", "url(");
        assertWellFormed(page);
    }

    @Test
    void aPageBeforeTheFirstStepSaysSo() throws Exception {
        Path file = directory.resolve("report.html");
        report(0).writeHtml(file);
        String page = Files.readString(file);
        assertThat(page).contains("No step has been measured");
        assertWellFormed(page);
    }

    /** As XML, once the elements that HTML does not close are closed. */
    private static void assertWellFormed(String page) throws Exception {
        String xml = page.replace("<!DOCTYPE html>", "").replaceAll("(<meta [^>]*)>", "$1/>");
        DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(xml.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    }

    @Test
    void namesOfVerticesAreText() throws Exception {
        String name = "<script>alert('1')</script>&\"";
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .graphBuilder()
                .addInputs("in")
                .addLayer(name, new DenseLayer.Builder().nIn(3).nOut(4).build(), "in")
                .addLayer("out", new OutputLayer.Builder().nIn(4).nOut(2).build(), name)
                .setOutputs("out")
                .build());
        Path file = directory.resolve("report.html");
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(initialised(graph), 2, 1))
                .build()) {
            net.fit(new DataSet(Nd4j.rand(4, 3), Nd4j.ones(4, 2)));
            net.report().writeHtml(file);
            net.report().writeTrace(directory.resolve("trace.json"));
        }
        String page = Files.readString(file);
        assertThat(page).contains("&lt;script&gt;alert(").doesNotContain("<script");
        assertWellFormed(page);
    }

    private static ComputationGraph initialised(ComputationGraph graph) {
        graph.init();
        return graph;
    }

    @Test
    void aCurveStaysShort() {
        List<StepSample> curve = report(30).training().curve();
        assertThat(curve).hasSize(30).allSatisfy(sample -> {
            assertThat(sample.score()).isPositive();
            assertThat(sample.examplesPerSecond()).isPositive();
        });
        assertThat(new ArrayList<>(curve)).isSortedAccordingTo(Comparator.comparingLong(StepSample::iteration));
        assertThat(report(30).training().lastSteps()).hasSize(TrainingHistory.LAST_STEPS);
    }

    @Test
    void aFileThatCannotBeWrittenIsNamed() {
        Path file = directory.resolve("nowhere").resolve("report.html");
        assertThatThrownBy(() -> report(0).writeHtml(file))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("report.html");
        assertThatThrownBy(() -> report(0).writeTrace(null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("file");
    }
}
