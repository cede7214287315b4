package io.github.dl4jpipeline.ui;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.ui.VertxUIServer;
import org.deeplearning4j.ui.api.UIServer;
import org.deeplearning4j.ui.model.storage.InMemoryStatsStorage;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The page and a report in Chromium, while a pipeline trains. Skipped where there is no Chromium on the PATH. With the system property
 * {@code test.pictures}, a directory, pictures of what was seen go there.
 */
class BrowserTest {
    private static final String AXE = "/META-INF/resources/webjars/axe-core/4.6.3/axe.min.js";
    private static final int LEAST_STEPS = 3;
    private static final Duration SOON = Duration.ofSeconds(30);

    @TempDir
    private static Path profile;

    @TempDir
    private Path directory;

    private static Chromium browser;
    private static UIServer server;
    private static String address;

    private final InMemoryStatsStorage storage = new InMemoryStatsStorage();

    @BeforeAll
    static void start() throws Exception {
        Optional<Path> program = Chromium.find();
        assumeTrue(program.isPresent(), "there is no Chromium on the PATH");
        browser = Chromium.start(program.get(), profile);
        int port = freePort();
        address = "http://localhost:" + port;
        server = VertxUIServer.getInstance(port, false, null);
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }

    @AfterAll
    static void stop() throws Exception {
        if (browser != null) {
            browser.close();
        }
        if (server != null) {
            VertxUIServer.stopInstance();
        }
    }

    @BeforeEach
    void attach() {
        server.attach(storage);
    }

    private static ComputationGraph graph() {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(1)
                .graphBuilder()
                .addInputs("in")
                .addLayer("dense", new DenseLayer.Builder().nIn(3).nOut(4).build(), "in")
                .addLayer(
                        "out",
                        new OutputLayer.Builder()
                                .nIn(4)
                                .nOut(2)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "dense")
                .setOutputs("out")
                .build());
        graph.init();
        return graph;
    }

    /** A run that trains until it is closed. */
    private final class Run implements AutoCloseable {
        private final PipelineStatsListener listener = new PipelineStatsListener(storage, "seen", Duration.ZERO);
        private final PipelineComputationGraph net;
        private final Thread thread = new Thread(this::train, "training");
        private volatile boolean ends;

        Run() {
            Devices devices = Devices.cpu(2);
            net = PipelineComputationGraph.builder(graph())
                    .devices(devices)
                    .plan(PartitionPlan.of(
                            List.of(
                                    Stage.of(devices.get(0), List.of("in", "dense")),
                                    Stage.of(devices.get(1), List.of("out"))),
                            4))
                    .listener(listener)
                    .build();
            thread.start();
        }

        private void train() {
            DataSet batch = new DataSet(Nd4j.rand(8, 3), Nd4j.hstack(Nd4j.ones(8, 1), Nd4j.zeros(8, 1)));
            for (int step = 0; step < LEAST_STEPS || !ends; step++) {
                net.fit(batch);
                try {
                    Thread.sleep(50); // so that a page has time to show it
                } catch (InterruptedException e) {
                    return;
                }
            }
        }

        void end() throws InterruptedException {
            ends = true;
            thread.join();
        }

        @Override
        public void close() throws InterruptedException {
            end();
            listener.close();
            net.close();
        }
    }

    private static void awaitText(Chromium.Tab tab, String selector, String text) {
        await().atMost(SOON).untilAsserted(() -> assertThat(tab.text(selector)).contains(text));
    }

    @Test
    void theNavigationLeadsToThePage() throws Exception {
        try (Run run = new Run()) {
            Chromium.Tab tab = browser.tab(1400, false);
            // Deeplearning4j's scripts are no dependency here, and the server leaves requests for them without an
            // answer.
            tab.block("*/assets/*");
            tab.open(address + "/train/overview");
            await().atMost(SOON).until(() -> tab.evaluate("document.querySelector('a[href=\"/pipeline\"]') !== null")
                    .asBoolean());
            assertThat(tab.text("a[href=\"/pipeline\"]")).contains("Pipeline");
            tab.evaluate("document.querySelector('a[href=\"/pipeline\"]').click()");
            awaitText(tab, "h1", "Pipeline");
            awaitText(tab, "#phase", "training");
            run.end();
        }
    }

    @Test
    void aRunIsFollowedToItsEnd() throws Exception {
        Chromium.Tab tab = browser.tab(1400, false);
        try (Run run = new Run()) {
            tab.open(address + "/pipeline?session=seen");
            awaitText(tab, "#phase", "training");
            awaitText(tab, "#figures", "Loss");
            String before = tab.text("#figures");
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(tab.text("#figures")).isNotEqualTo(before));
            assertThat(tab.evaluate("document.querySelectorAll('#timeline rect.task').length")
                            .asInt())
                    .isEqualTo(2 * 2 * 4);
            assertThat(tab.text("#workers")).contains("stage 0 on cpu-0", "stage 1 on cpu-1");
            assertThat(tab.evaluate("document.querySelectorAll('#curves polyline').length")
                            .asInt())
                    .isEqualTo(3);
            assertThat(tab.text("#explain")).contains("2 stages");
            assertThat(tab.text("#settings")).contains("micro-batches4", "1f1b", "cpu-0, cpu-1");
            assertThat(tab.text("#machine")).contains("Java" + System.getProperty("java.version"), "cores");
            run.end();
        }
        awaitText(tab, "#phase", "ended");
        assertThat(tab.complaints()).isEmpty();
        assertThat(tab.requests()).isNotEmpty().allSatisfy(asked -> assertThat(asked)
                .matches("(" + address + "|data:|about:).*"));
    }

    @Test
    void thePageIsAccessible() throws Exception {
        try (Run run = new Run()) {
            assertAccessible("page", address + "/pipeline?session=seen", "#figures", "Loss");
            run.end();
        }
    }

    @Test
    void aReportIsAccessible() throws Exception {
        Path file = directory.resolve("report.html");
        try (Run run = new Run()) {
            run.end();
            run.net.report().writeHtml(file);
        }
        assertAccessible("report", file.toUri().toString(), "main", "Workers in the last step");
    }

    /** At three widths and in dark colours: no findings, nothing wider than the window, no complaints, and nothing from elsewhere. */
    private static void assertAccessible(String name, String page, String selector, String text) throws IOException {
        String axe;
        try (InputStream in = BrowserTest.class.getResourceAsStream(AXE)) {
            axe = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        record Look(int width, boolean dark) {}
        for (Look look :
                List.of(new Look(375, false), new Look(768, false), new Look(1400, false), new Look(1400, true))) {
            Chromium.Tab tab = browser.tab(look.width(), look.dark());
            tab.open(page);
            awaitText(tab, selector, text);
            assertThat(tab.complaints()).isEmpty();
            keepPicture(name + "-" + look.width() + (look.dark() ? "-dark" : "") + ".png", tab);
            tab.evaluate(axe + "; 0");
            assertThat(tab.evaluate(
                                    "axe.run().then(found => found.violations.map(f => f.id + ': ' + f.nodes[0].html).join('\\n'))")
                            .asText())
                    .as("%s at %s", name, look)
                    .isEmpty();
            assertThat(tab.evaluate("document.documentElement.scrollWidth - innerWidth")
                            .asInt())
                    .as("%s at %s", name, look)
                    .isNotPositive();
        }
    }

    private static void keepPicture(String name, Chromium.Tab tab) throws IOException {
        String pictures = System.getProperty("test.pictures");
        if (pictures != null) {
            Files.write(
                    Files.createDirectories(Path.of(pictures)).resolve(name),
                    Base64.getDecoder().decode(tab.picture()));
        }
    }
}
