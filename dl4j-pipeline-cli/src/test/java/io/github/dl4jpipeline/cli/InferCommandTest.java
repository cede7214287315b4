package io.github.dl4jpipeline.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jpipeline.cli.io.Json;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InferCommandTest {
    @TempDir
    private Path directory;

    private Path split;
    private Path json;

    @BeforeEach
    void splitTinyModel() {
        split = directory.resolve("split.zip");
        json = directory.resolve("figures.json");
        Path model = TinyModel.save(directory.resolve("tiny.zip"));
        assertThat(CommandRun.of("split", "--model", model, "--out", split).exitCode())
                .isZero();
    }

    @Test
    void comparesAModelWithItsBranches() throws IOException {
        CommandRun run = CommandRun.of(
                "infer",
                "--latency",
                "--model",
                directory.resolve("tiny.zip"),
                "--split",
                split,
                "--runs",
                2,
                "--by-vertex",
                "--json",
                json);
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode figures = Json.MAPPER.readTree(json.toFile());
        assertThat(figures.get("systems").findValuesAsText("name"))
                .contains(
                        "original, stock layers",
                        "original",
                        "branches",
                        "branch 0 of 2 alone",
                        "the head of 2 branches alone");
        assertThat(figures.get("medianMillis").asDouble()).isPositive();
        assertThat(figures.get("speedupOverStock").asDouble()).isPositive();
        assertThat(figures.get("inputBytes").asLong()).isEqualTo(3 * 32 * 32 * 4);
        assertThat(figures.get("activationBytes").asLong()).isEqualTo(4 * 8 * 8 * 4);
        assertThat(figures.get("largestDifference").asDouble()).isLessThanOrEqualTo(1e-6);
        assertThat(run.out()).contains("in 2 branches", "Projection for 2 devices", "vertex, on one core");
        assertThat(figures.get("vertices")).isNotEmpty().allSatisfy(vertex -> assertThat(
                        vertex.get("originalMillis").asDouble())
                .isPositive());
        assertThat(figures.get("vertices").get(0).get("branchMillis").asDouble())
                .isPositive();
    }

    @Test
    void runsABranchedModelOnTestImages() throws IOException {
        CommandRun run = CommandRun.of("infer", "--model", split, "--batch", 64, "--json", json);
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode figures = Json.MAPPER.readTree(json.toFile());
        assertThat(figures.get("branches").asInt()).isEqualTo(2);
        assertThat(figures.get("images").asInt()).isEqualTo(500);
        assertThat(figures.get("exchangedBytes").asLong()).isEqualTo(64 * (3 * 32 * 32 + 4 * 8 * 8) * 4);
        assertThat(run.out()).contains("Accuracy");
    }

    @Test
    void refusesBadInput() {
        Path tiny = directory.resolve("tiny.zip");
        CommandRun notBranched = CommandRun.of("infer", "--latency", "--model", tiny, "--split", tiny);
        assertThat(notBranched.exitCode()).isEqualTo(2);
        assertThat(notBranched.err()).contains(tiny + " is no branched network", "chain without a merge vertex");

        CommandRun large = CommandRun.of("infer", "--model", "resnet18");
        assertThat(large.exitCode()).isEqualTo(2);
        assertThat(large.err()).contains("'resnet18' takes images of 3x224x224");
    }
}
