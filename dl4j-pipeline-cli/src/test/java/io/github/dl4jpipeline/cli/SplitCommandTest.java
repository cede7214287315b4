package io.github.dl4jpipeline.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jpipeline.branch.BranchLayout;
import io.github.dl4jpipeline.cli.io.Json;
import java.io.IOException;
import java.nio.file.Path;
import org.assertj.core.data.Offset;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SplitCommandTest {
    @TempDir
    private Path directory;

    private Path out;
    private Path json;

    @BeforeEach
    void nameFiles() {
        out = directory.resolve("split.zip");
        json = directory.resolve("figures.json");
    }

    @ParameterizedTest
    @CsvSource({"2, 6.11", "8, 1.93"})
    void resNet18HasThePublishedNumbersOfParameters(int branches, double millions) throws IOException {
        CommandRun run =
                CommandRun.of("split", "--model", "resnet18", "--branches", branches, "--out", out, "--json", json);
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode figures = Json.MAPPER.readTree(json.toFile());
        assertThat(figures.get("parameters").asLong() / 1e6).isCloseTo(millions, Offset.offset(0.005));
        assertThat(figures.get("original").get("parameters").asLong()).isEqualTo(11_689_512);
        assertThat(figures.get("parts")).hasSize(branches + 1);
        assertThat(figures.get("memoryBytes").asLong())
                .isEqualTo(figures.get("parts").get(0).get("memoryBytes").asLong());
    }

    @Test
    void writesAModelThatTrainReads() throws IOException {
        CommandRun run = CommandRun.of(
                "split",
                "--model",
                "lenet",
                "--branches",
                3,
                "--classifier",
                "split",
                "--fatten",
                "0,0.1,0.2",
                "--out",
                out,
                "--json",
                json);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("in 3 branches", "branch 2", "head", "Untrained model saved to " + out);
        ComputationGraph graph = ComputationGraph.load(out.toFile(), true);
        assertThat(BranchLayout.of(graph.getConfiguration()).branches()).hasSize(3);
        // 500 / 3, fattened by 0, 10 and 20 %
        assertThat(graph.layerSize("branch0-dense1")).isEqualTo(166);
        assertThat(graph.layerSize("branch1-dense1")).isEqualTo(183);
        assertThat(graph.layerSize("branch2-dense1")).isEqualTo(200);
        assertThat(Json.MAPPER.readTree(json.toFile()).get("parameters").asLong())
                .isEqualTo(graph.numParams());
    }

    @Test
    void findsTheNumberOfBranchesFromTheMemoryOfADevice() throws IOException {
        CommandRun run =
                CommandRun.of("split", "--model", "lenet", "--memory", 1_000_000, "--out", out, "--json", json);
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode figures = Json.MAPPER.readTree(json.toFile());
        assertThat(figures.get("branches").asInt()).isEqualTo(2);
        assertThat(figures.get("memoryBytes").asLong()).isLessThanOrEqualTo(1_000_000);
    }

    @ParameterizedTest
    @CsvSource({
        "--branches, 0, --branches must be at least 1",
        "--memory, 10, more than the 10 bytes",
        "--memory, 0, must be positive",
        "--fatten, -1, must not be negative",
        "'--fatten', '0.1,0.2,0.3', 3 fattening factors for 2 branches",
        "--model, nothing, There is no model 'nothing'"
    })
    void refusesBadInput(String option, String value, String message) {
        CommandRun run = CommandRun.of("split", "--out", out, option, value);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains(message);
        assertThat(out).doesNotExist();
    }

    @Test
    void refusesMoreBranchesThanClasses() {
        CommandRun run = CommandRun.of("split", "--branches", 11, "--classifier", "split", "--out", out);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("'output'", "10 classes cannot be split over 11 branches");
    }
}
