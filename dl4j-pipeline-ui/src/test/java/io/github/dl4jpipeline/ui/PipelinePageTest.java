package io.github.dl4jpipeline.ui;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.PipelineListener;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import org.deeplearning4j.core.storage.StatsStorage;
import org.deeplearning4j.core.storage.StatsStorageRouter;
import org.deeplearning4j.core.storage.impl.RemoteUIStatsStorageRouter;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.ui.VertxUIServer;
import org.deeplearning4j.ui.api.UIServer;
import org.deeplearning4j.ui.model.stats.StatsListener;
import org.deeplearning4j.ui.model.storage.InMemoryStatsStorage;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** The page beside Deeplearning4j's own, on a running server. */
class PipelinePageTest {
    private static final String VERTEX = "<b>dense</b>";
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private static UIServer server;
    private static String address;

    @BeforeAll
    static void start() throws Exception {
        int port = freePort();
        server = VertxUIServer.getInstance(port, false, null);
        address = "http://localhost:" + port;
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }

    @AfterAll
    static void stop() throws Exception {
        VertxUIServer.stopInstance();
    }

    private static HttpResponse<String> get(String path) {
        try {
            return CLIENT.send(
                    HttpRequest.newBuilder(URI.create(address + path)).build(), HttpResponse.BodyHandlers.ofString());
        } catch (Exception e) {
            throw new AssertionError(path, e);
        }
    }

    private static JsonNode data(String session) {
        try {
            return new ObjectMapper()
                    .readTree(get("/pipeline/data?session=" + session).body());
        } catch (Exception e) {
            throw new AssertionError(session, e);
        }
    }

    private static ComputationGraph graph() {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(1)
                .graphBuilder()
                .addInputs("in")
                .addLayer(VERTEX, new DenseLayer.Builder().nIn(3).nOut(4).build(), "in")
                .addLayer(
                        "out",
                        new OutputLayer.Builder()
                                .nIn(4)
                                .nOut(2)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        VERTEX)
                .setOutputs("out")
                .build());
        graph.init();
        return graph;
    }

    private static PipelineComputationGraph pipeline(PipelineListener listener) {
        Devices devices = Devices.cpu(2);
        PartitionPlan plan = PartitionPlan.of(
                List.of(Stage.of(devices.get(0), List.of("in", VERTEX)), Stage.of(devices.get(1), List.of("out"))), 4);
        return PipelineComputationGraph.builder(graph())
                .devices(devices)
                .plan(plan)
                .listener(listener)
                .build();
    }

    private static DataSet batch() {
        Nd4j.getRandom().setSeed(1);
        return new DataSet(Nd4j.rand(8, 3), Nd4j.hstack(Nd4j.ones(8, 1), Nd4j.zeros(8, 1)));
    }

    private static void train(StatsStorageRouter storage, String session, int steps) {
        try (PipelineStatsListener listener = new PipelineStatsListener(storage, session, Duration.ZERO);
                PipelineComputationGraph net = pipeline(listener)) {
            for (int i = 0; i < steps; i++) {
                net.fit(batch());
            }
        }
    }

    private static void assertShows(JsonNode data, String session, int steps) {
        assertThat(data.get("session").asText()).isEqualTo(session);
        assertThat(data.get("points")).hasSizeBetween(1, steps + 1);
        JsonNode state = data.get("state");
        assertThat(state.get("phase").asText()).isEqualTo("ended");
        assertThat(state.get("explain").asText()).contains("2 stages", VERTEX);
        assertThat(state.get("changes")).hasSize(1);
        JsonNode step = state.get("step");
        assertThat(step.get("number").asInt()).isEqualTo(steps);
        assertThat(step.get("score").asDouble()).isPositive();
        assertThat(step.get("workers")).hasSize(2);
        assertThat(step.get("workers").get(1).get("name").asText()).isEqualTo("stage 1 on cpu-1");
        assertThat(step.get("tasks")).hasSize(2 * 2 * 4);
        assertThat(step.get("stages")).hasSize(2);
    }

    @Test
    void aRunIsShownBesideDeeplearning4jsPages() {
        StatsStorage storage = new InMemoryStatsStorage();
        server.attach(storage);
        try (PipelineStatsListener listener = new PipelineStatsListener(storage, "here", Duration.ZERO);
                PipelineComputationGraph net = pipeline(listener)) {
            net.setListeners(new StatsListener(storage, 1));
            net.fit(batch());
            assertThat(data("here").get("state").get("phase").asText()).isEqualTo("training");
            assertThat(data("here").get("state").get("step").get("number").asInt())
                    .isEqualTo(1);
            net.fit(batch());
            net.fit(batch());
        }
        assertShows(data("here"), "here", 3);
        assertThat(data("here").get("points")).hasSize(3);
        await().untilAsserted(
                        () -> assertThat(get("/train/overview/data").body()).containsPattern("\"scores\" : \\[ \\d"));
        server.detach(storage);
        assertThat(data("here").has("state")).isFalse();
    }

    @Test
    void aRunIsShownAtAServerElsewhere() {
        StatsStorage storage = new InMemoryStatsStorage();
        server.attach(storage);
        server.enableRemoteListener(storage, false);
        train(new RemoteUIStatsStorageRouter(address), "elsewhere", 2);
        await().untilAsserted(() -> assertShows(data("elsewhere"), "elsewhere", 2));
        server.disableRemoteListener();
        server.detach(storage);
    }

    @Test
    void aFailureIsShown() {
        StatsStorage storage = new InMemoryStatsStorage();
        server.attach(storage);
        try (PipelineStatsListener listener = new PipelineStatsListener(storage, "failing", Duration.ZERO);
                PipelineComputationGraph net = pipeline(listener)) {
            assertThatThrownBy(() -> net.fit(new DataSet(Nd4j.rand(8, 5), Nd4j.ones(8, 2))))
                    .isInstanceOf(RuntimeException.class);
            assertThat(data("failing").get("state").get("phase").asText()).startsWith("failed: ");
            net.fit(batch());
        }
        assertThat(data("failing").get("state").get("step").get("number").asInt())
                .isEqualTo(1);
        server.detach(storage);
    }

    /** Texts of a module replace those of the modules before it; so the entry depends on the order of services. */
    @Test
    void theNavigationHasAnEntry() {
        assertThat(get("/train/overview").body()).contains("href=\"/pipeline\"");
    }

    @Test
    void thePageLoadsNothingFromElsewhere() {
        HttpResponse<String> page = get("/pipeline");
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.headers().firstValue("content-security-policy").orElse(""))
                .contains("default-src 'none'");
        for (String file : List.of("/pipeline", "/pipeline/page.js", "/pipeline/page.css")) {
            assertThat(get(file).body().replace("http://www.w3.org/2000/svg", ""))
                    .isNotEmpty()
                    .doesNotContain("http://", "https://", "innerHTML", "//cdn");
        }
    }

    @Test
    void pointsStayFewAndStatesOne() {
        InMemoryStatsStorage storage = new InMemoryStatsStorage();
        train(storage, "few", 5);
        assertThat(storage.getAllStaticInfos("few", PipelineStats.TYPE)).hasSize(1);
        try (PipelineStatsListener listener = new PipelineStatsListener(storage, "slow", Duration.ofHours(1));
                PipelineComputationGraph net = pipeline(listener)) {
            for (int i = 0; i < 5; i++) {
                net.fit(batch());
            }
            assertThat(storage.getNumUpdateRecordsFor("slow")).isZero();
        }
        assertThat(storage.getNumUpdateRecordsFor("slow")).isEqualTo(1);
    }

    @Test
    void statisticsAreReadAsTheyWereWritten() {
        PipelineStats written = new PipelineStats("session", "worker", 5, "{\"a\":\"ä\"}");
        PipelineStats read = new PipelineStats();
        read.decode(written.encode());
        assertThat(read).usingRecursiveComparison().isEqualTo(written);
        byte[] cut = java.util.Arrays.copyOf(written.encode(), written.encodingLengthBytes() - 1);
        assertThatThrownBy(() -> new PipelineStats().decode(cut)).hasMessageContaining("ends after");
    }

    @Test
    void aListenerNeedsAStorageAndASession() {
        assertThatThrownBy(() -> new PipelineStatsListener(new InMemoryStatsStorage(), "", Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("session");
    }
}
