package io.github.dl4jpipeline.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jpipeline.cli.data.TestBatches;
import io.github.dl4jpipeline.cli.io.Json;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainCommandTest {
    @TempDir
    private Path directory;

    private Path data;
    private Path model;
    private Path out;

    @BeforeEach
    void write() {
        data = TestBatches.directory(directory.resolve("data"), 43, 20);
        model = TinyModel.save(directory.resolve("tiny.zip"));
        out = directory.resolve("out.zip");
    }

    @Test
    void trainsOnGeneratedImagesAndLearnsThem() throws IOException {
        Path json = directory.resolve("figures.json");

        CommandRun run = CommandRun.of(
                "train",
                "--model",
                model,
                "--out",
                out,
                "--epochs",
                3,
                "--stages",
                2,
                "--micro-batches",
                8,
                "--report",
                "--json",
                json);

        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode figures = Json.MAPPER.readTree(json.toFile());
        assertThat(figures.get("data").asText()).isEqualTo("generated");
        assertThat(figures.get("accuracy").asDouble()).isGreaterThan(0.5);
        assertThat(figures.get("loss").asDouble()).isPositive();
        assertThat(figures.get("seconds").asDouble()).isPositive();
        assertThat(figures.get("imagesPerSecond").asDouble()).isPositive();
        assertThat(figures.get("profilingSeconds").asDouble()).isPositive();
        assertThat(figures.get("timesPlainFit").asDouble()).isPositive();
        assertThat(figures.get("stages").asInt()).isEqualTo(2);
        assertThat(figures.get("microBatches").asInt()).isEqualTo(8);
        assertThat(run.out())
                .contains("Accuracy", "(generated)", "Plan: 2 stages", "bubble", "Model saved to " + out)
                .contains("times as fast as plain fit: ", "2 stages on 2 workers; 8 micro-batches of 8 images")
                .doesNotContain("CIFAR");
        assertThat(run.err()).contains("Data: generated images", "First plan: ", "epoch 3/3", "loss", "images/s");
    }

    @Test
    void leavesOutPlainFit() throws IOException {
        Path json = directory.resolve("figures.json");
        CommandRun run = CommandRun.trainTiny(model, data, out, "--epochs", 1, "--no-comparison", "--json", json);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("Plan: ", "--report FILE.html").doesNotContain("plain fit");
        assertThat(Json.MAPPER.readTree(json.toFile()).has("timesPlainFit")).isFalse();
    }

    /** LeNet's convolutions in tiles: what is trained is what is trained without them. */
    @Test
    void trainsInTiles() throws IOException {
        Path tiled = directory.resolve("tiled.zip");
        Object[] common = {"train", "--model", "lenet", "--data", data, "--epochs", 1, "--micro-batches", 1};

        CommandRun plain =
                CommandRun.of(Stream.concat(Stream.of(common), Stream.of("--stages", 1, "--replicas", 1, "--out", out))
                        .toArray());
        CommandRun run = CommandRun.of(Stream.concat(
                        Stream.of(common),
                        Stream.of(
                                "--tiles",
                                "2x3",
                                "--tile-from",
                                "conv1",
                                "--tile-to",
                                "pool2",
                                "--tile-cut",
                                "pool1",
                                "--report",
                                "--out",
                                tiled))
                .toArray());

        assertThat(plain.exitCode()).as(plain.err()).isZero();
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("tiles: largest keeps", "times the multiply-adds");
        ComputationGraph expected = ComputationGraph.load(out.toFile(), true);
        ComputationGraph actual = ComputationGraph.load(tiled.toFile(), true);
        assertThat(ArrayDifference.of(actual.params(), expected.params()).relative())
                .isLessThan(1e-4);
    }

    @Test
    void choosesTiles() {
        CommandRun run = CommandRun.of(
                "train",
                "--model",
                "lenet",
                "--data",
                data,
                "--epochs",
                1,
                "--tiles",
                "auto",
                "--report",
                "--out",
                out);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("tiles: largest keeps");
    }

    @Test
    void writesAnOrdinaryModel() throws IOException {
        CommandRun run = CommandRun.trainTiny(model, data, out, "--epochs", 2, "--schedule", "fill-drain");

        assertThat(run.exitCode()).as(run.err()).isZero();
        ComputationGraph trained = ComputationGraph.load(out.toFile(), true);
        assertThat(trained.getIterationCount()).isEqualTo(2 * 6);
        assertThat(trained.getEpochCount()).isEqualTo(2);
        assertThat(trained.params())
                .isNotEqualTo(ComputationGraph.load(model.toFile(), true).params());
        assertThat(trained.getUpdater().getStateViewArray().length()).isEqualTo(2 * trained.numParams());
        assertThat(files(directory)).containsExactlyInAnyOrder("data", "tiny.zip", "out.zip");
    }

    @Test
    void comparesTheFirstStepWithPlainDeeplearning4j() throws IOException {
        Path json = directory.resolve("figures.json");
        CommandRun run = CommandRun.trainTiny(model, data, out, "--epochs", 1, "--verify", "--json", json);

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out())
                .contains("First step verified: gradients of 4 arrays and score are plain Deeplearning4j's");
        JsonNode found = Json.MAPPER.readTree(json.toFile()).get("verification");
        assertThat(found.get("arrays").asInt()).isEqualTo(4);
        assertThat(found.get("worstDifference").asDouble())
                .isLessThanOrEqualTo(found.get("worstBound").asDouble());
    }

    @Test
    void trainsAMultiLayerNetwork() throws IOException {
        TinyModel.network().save(model.toFile());
        CommandRun run = CommandRun.trainTiny(model, data, out, "--epochs", 1);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(out).exists();
    }

    @Test
    void saysWhereImagesAreHeldOut() throws IOException {
        Files.delete(data.resolve("test_batch.bin"));
        CommandRun run = CommandRun.trainTiny(model, data, out, "--epochs", 1);
        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).contains("last 4 of the 43 training images are held out");
        assertThat(run.out()).contains("on 4 test images");
    }

    private static List<String> files(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
