package io.github.dl4jpipeline.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jpipeline.cli.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CharRnnTest {
    @TempDir
    private Path directory;

    private Path text;
    private Path out;

    @BeforeEach
    void write() throws IOException {
        text = directory.resolve("verse.txt");
        Files.writeString(text, "to and fro, to and fro; ".repeat(60));
        out = directory.resolve("out.zip");
    }

    @Test
    void learnsAText() throws IOException {
        Path json = directory.resolve("figures.json");
        Path checkpoints = directory.resolve("checkpoints");
        CommandRun run = train(
                "--epochs",
                4,
                "--batch",
                4,
                "--stages",
                2,
                "--micro-batches",
                2,
                "--json",
                json,
                "--checkpoint-dir",
                checkpoints);

        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode figures = Json.MAPPER.readTree(json.toFile());
        assertThat(figures.get("data").asText()).isEqualTo(text.toString());
        assertThat(figures.get("accuracy").asDouble()).isGreaterThan(0.2);
        assertThat(run.out()).contains("test sequences (" + text + ")", "Trained 52 sequences", "sequences/s");
        assertThat(run.err()).contains("Data: " + text + ": 10 different characters, 13 training sequences");
        ComputationGraph trained = ComputationGraph.load(out.toFile(), true);
        assertThat(trained.layerInputSize("lstm1")).isEqualTo(10);
        assertThat(trained.getIterationCount()).isEqualTo(4 * 4 * 2);

        CommandRun resumed = train(
                "--epochs",
                5,
                "--batch",
                4,
                "--stages",
                2,
                "--micro-batches",
                2,
                "--no-comparison",
                "--resume",
                "--checkpoint-dir",
                checkpoints);
        assertThat(resumed.exitCode()).as(resumed.err()).isZero();
        assertThat(resumed.out()).contains("Trained 13 sequences");
    }

    @Test
    void refusesWhatIsNoText() {
        assertRefused(train("--download"), "--download is for images, and char-rnn takes a text");
        text = directory;
        assertRefused(train(), "Text file " + directory + " is not a file");
    }

    private CommandRun train(Object... more) {
        Object[] fixed = {"train", "--model", "char-rnn", "--data", text, "--out", out};
        return CommandRun.of(
                Stream.concat(Arrays.stream(fixed), Arrays.stream(more)).toArray());
    }

    private void assertRefused(CommandRun run, String message) {
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains(message);
        assertThat(out).doesNotExist();
    }
}
