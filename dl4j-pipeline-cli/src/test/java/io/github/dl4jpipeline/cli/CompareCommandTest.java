package io.github.dl4jpipeline.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jpipeline.cli.io.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompareCommandTest {
    @TempDir
    private Path directory;

    @Test
    void measuresEverySystem() throws IOException {
        Path json = directory.resolve("figures.json");
        Path model = TinyModel.save(directory.resolve("tiny.zip"));

        CommandRun run = CommandRun.of(
                "compare",
                "--model",
                model,
                "--batch",
                9,
                "--steps",
                2,
                "--stages",
                2,
                "--replicas",
                1,
                "--micro-batches",
                3,
                "--json",
                json);

        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode figures = Json.MAPPER.readTree(json.toFile());
        assertThat(figures.get("batch").asInt()).isEqualTo(9);
        assertThat(figures.get("steps").asInt()).isEqualTo(2);
        assertThat(figures.get("classifier").asText()).isNotEmpty();
        Map<String, JsonNode> systems = StreamSupport.stream(
                        figures.get("systems").spliterator(), false)
                .collect(Collectors.toMap(system -> system.get("name").asText(), Function.identity()));
        assertThat(systems).containsKeys("stock-fit", "pipeline");
        assertThat(systems.values()).allSatisfy(system -> {
            assertThat(system.get("medianMillis").asDouble()).isPositive();
            assertThat(system.get("ompThreads").asInt()).isPositive();
            assertThat(system.get("ratio").asDouble()).isPositive();
            assertThat(run.out()).contains(system.get("name").asText());
        });
        assertThat(systems.get("pipeline").get("ratio").asDouble()).isEqualTo(1);
        assertThat(systems.get("pipeline").get("stages").asInt()).isEqualTo(2);
        assertThat(systems.get("pipeline").get("microBatches").asInt()).isEqualTo(3);
        assertThat(systems.containsKey("parallel-wrapper"))
                .as(run.out())
                .isEqualTo(Runtime.getRuntime().availableProcessors() > 1);
    }

    @Test
    void measuresInference() throws IOException {
        Path json = directory.resolve("figures.json");
        Path model = TinyModel.save(directory.resolve("tiny.zip"));

        CommandRun run =
                CommandRun.of("compare", "--inference", "--model", model, "--batch", 5, "--steps", 2, "--json", json);

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(Json.MAPPER.readTree(json.toFile()).get("systems"))
                .extracting(system -> system.get("name").asText())
                .containsExactly("pipeline", "stock-output");
    }

    @Test
    void measuresTheSystemsNamed() throws IOException {
        Path json = directory.resolve("figures.json");
        Path model = TinyModel.save(directory.resolve("tiny.zip"));

        CommandRun run = CommandRun.of(
                "compare",
                "--model",
                model,
                "--batch",
                4,
                "--steps",
                1,
                "--beside",
                "one-stage,stock-fit",
                "--stages",
                2,
                "--replicas",
                1,
                "--micro-batches",
                2,
                "--json",
                json);

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(Json.MAPPER.readTree(json.toFile()).get("systems"))
                .extracting(system -> system.get("name").asText())
                .containsExactlyInAnyOrder("pipeline", "one-stage", "stock-fit");
        CommandRun unknown = CommandRun.of("compare", "--model", model, "--beside", "stock-fit,nobody");
        assertThat(unknown.exitCode()).isEqualTo(2);
        assertThat(unknown.err()).contains("no system 'nobody'").contains("stock-fit-helpers");
        CommandRun output = CommandRun.of("compare", "--model", model, "--inference", "--beside", "stock-fit");
        assertThat(output.exitCode()).isEqualTo(2);
    }

    @Test
    void saysWhatItCannotMeasure() throws IOException {
        Path json = directory.resolve("figures.json");
        Path model = TinyModel.save(directory.resolve("tiny.zip"));

        CommandRun run = CommandRun.of(
                "compare",
                "--model",
                model,
                "--batch",
                1,
                "--steps",
                1,
                "--beside",
                "parallel-wrapper",
                "--json",
                json);

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("parallel-wrapper: not measured, ");
        assertThat(Json.MAPPER.readTree(json.toFile()).at("/notMeasured/0/name").asText())
                .isEqualTo("parallel-wrapper");
    }
}
