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

    /** The rules of the format: times do not go back on a row, arrows have both ends, each inside a task, rows have names. */
    @Test
    void aTraceHasTheLastSteps() throws IOException {
        Path file = directory.resolve("trace.json.gz");
        report(25).writeTrace(file);
        JsonNode events = json(file).get("traceEvents");

        List<JsonNode> all = StreamSupport.stream(events.spliterator(), false).toList();
        List<JsonNode> complete = with(all, "X");
        assertThat(complete)
                .filteredOn(event -> event.get("cat").asText().equals("step"))
                .hasSize(20);
        // 2 stages, 4 micro-batches, forward and backward
        assertThat(complete)
                .filteredOn(event -> event.get("args").has("microBatch"))
                .hasSize(20 * 16);
        assertThat(with(all, "M"))
                .extracting(event -> event.get("args").get("name").asText())
                .contains("steps", "stage 0 on cpu-0", "stage 1 on cpu-1");
        assertThat(with(all, "C")).isNotEmpty();

        Map<Long, JsonNode> starts = new HashMap<>();
        with(all, "s").forEach(start -> starts.put(start.get("id").asLong(), start));
        List<JsonNode> ends = with(all, "f");
        assertThat(ends).hasSameSizeAs(starts.keySet()).hasSize(20 * 8);
        for (JsonNode end : ends) {
            JsonNode start = starts.get(end.get("id").asLong());
            assertThat(start.get("ts").asDouble())
                    .isLessThanOrEqualTo(end.get("ts").asDouble());
            assertThat(start.get("tid").asInt()).isNotEqualTo(end.get("tid").asInt());
            assertThat(complete).anyMatch(task -> isInside(start, task));
            assertThat(complete).anyMatch(task -> isInside(end, task));
        }
        Map<Integer, Double> until = new HashMap<>();
        for (JsonNode task : complete.stream()
                .sorted(Comparator.comparingDouble(event -> event.get("ts").asDouble()))
                .toList()) {
            int row = task.get("tid").asInt();
            assertThat(task.get("ts").asDouble()).isGreaterThanOrEqualTo(until.getOrDefault(row, 0.0) - 0.01);
            until.put(row, task.get("ts").asDouble() + task.get("dur").asDouble());
        }
    }

    private static List<JsonNode> with(List<JsonNode> events, String phase) {
        return events.stream()
                .filter(event -> event.get("ph").asText().equals(phase))
                .toList();
    }

    private static boolean isInside(JsonNode end, JsonNode task) {
        double at = end.get("ts").asDouble();
        double begin = task.get("ts").asDouble();
        return end.get("tid").equals(task.get("tid"))
                && begin - 0.01 <= at
                && at <= begin + task.get("dur").asDouble() + 0.01;
    }

    @Test
    void aTraceBeforeTheFirstStepIsEmpty() throws IOException {
        Path file = directory.resolve("trace.json");
        report(0).writeTrace(file);
        assertThat(with(
                        StreamSupport.stream(json(file).get("traceEvents").spliterator(), false)
                                .toList(),
                        "X"))
                .isEmpty();
    }

    @Test
    void aPageIsWholeAndLoadsNothing() throws Exception {
        Path file = directory.resolve("report.html");
        report(3).writeHtml(file);
        String page = Files.readString(file);
        assertThat(page)
                .contains("Content-Security-Policy", "default-src 'none'", "stage 0", "Measured, last step", "Score")
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
