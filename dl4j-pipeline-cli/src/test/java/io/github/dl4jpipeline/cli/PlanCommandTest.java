package io.github.dl4jpipeline.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jpipeline.cli.io.Json;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanCommandTest {
    @TempDir
    private Path directory;

    private Path graph;
    private Path json;

    /** A chain of four nodes of 4 ms, whose outputs have 1 MB, after an input. */
    @BeforeEach
    void write() throws IOException {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i <= 4; i++) {
            text.append(
                            "node%d -- %s -- forward_compute_time=1.0, backward_compute_time=3.0, activation_size=1000000.0,"
                                    .formatted(i, i == 0 ? "Input" : "Conv2d(3, 3)"))
                    .append(" parameter_size=500000.0\n");
            if (i > 0) {
                text.append("\tnode%d -- node%d\n".formatted(i - 1, i));
            }
        }
        graph = Files.writeString(directory.resolve("graph.txt"), text);
        json = directory.resolve("figures.json");
    }

    private CommandRun run(String subcommand, int batch, String devices, Object... more) {
        Object[] all = new Object[more.length + 11];
        Object[] fixed = {
            subcommand,
            "--profile",
            graph,
            "--batch",
            batch,
            "--micro-batches",
            batch,
            "--devices",
            devices,
            "--json",
            json
        };
        System.arraycopy(fixed, 0, all, 0, fixed.length);
        System.arraycopy(more, 0, all, fixed.length, more.length);
        return CommandRun.of(all);
    }

    @Test
    void plansAPublishedProfile() throws IOException {
        CommandRun run = run("plan", 16, "4", "--straight");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("Plan: 4 stages, 16 micro-batches of 1 profiled batch", "Verdict: pipeline");
        assertThat(run.out())
                .contains(
                        "Instead",
                        "one device",
                        "Note: the times in graph.txt are of a whole profiled batch; a step here is 16 such batches");
        JsonNode figures = Json.MAPPER.readTree(json.toFile());
        assertThat(figures.get("stages")).hasSize(4);
        JsonNode first = figures.get("stages").get(0);
        assertThat(first.get("vertices")).hasSize(2);
        assertThat(first.get("replicas").asInt()).isEqualTo(1);
        assertThat(first.get("device").asText()).isEqualTo("device-0");
        assertThat(first.get("timeMillis").asDouble()).isEqualTo(4);
        // Parameters, two copies of gradients; 4 micro-batches in flight.
        assertThat(first.get("memoryBytes").asLong()).isEqualTo(3 * 500_000 + 4 * 1_000_000);
        assertThat(figures.get("bottleneckMillis").asDouble()).isEqualTo(4);
        assertThat(figures.get("sumMillis").asDouble()).isEqualTo(16);
        assertThat(figures.get("microBatches").asInt()).isEqualTo(16);
        assertThat(figures.get("predictedStepMillis").asDouble()).isEqualTo(4.0 * (16 + 3));
        assertThat(figures.get("latestExecutionMillis").asDouble()).isEqualTo(4.0 * (16 + 3));
    }

    @Test
    void plansAProfileWithSeveralInputs() throws IOException {
        String text = Files.readString(graph);
        text += """
                other -- Input1 -- forward_compute_time=0.0, backward_compute_time=0.0, activation_size=8.0, parameter_size=0.0
                \tother -- node4
                """;
        Files.writeString(graph, text);
        CommandRun run = run("plan", 16, "4", "--straight");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode figures = Json.MAPPER.readTree(json.toFile());
        assertThat(figures.get("bottleneckMillis").asDouble()).isEqualTo(4);
    }

    @Test
    void refusesADamagedProfileByName() throws IOException {
        Path file = Files.writeString(json.resolveSibling("profile.json"), "{\"examples\": 8");
        CommandRun run = CommandRun.of("plan", "--profile", file, "--devices", 2);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err())
                .startsWith("error: --profile: " + file + " is not a profile: ")
                .doesNotContain("\tat ");
    }

    @Test
    void aProfileThatIsNotThere() {
        assertRefused(
                CommandRun.of("plan", "--profile", json),
                "--profile: profile " + json + " does not exist; `profile --out` writes one");
        assertRefused(
                CommandRun.of("plan", "--profile", directory), "--profile: profile " + directory + " is not a file");
    }

    @Test
    void plansSoManyStages() throws IOException {
        CommandRun run = run("plan", 16, "4", "--stages", 2);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(Json.MAPPER.readTree(json.toFile()).get("stages")).hasSize(2);
        assertRefused(CommandRun.of("plan", "--profile", graph, "--stages", 0), "--stages must be at least 1, got 0");
        assertRefused(CommandRun.of("plan", "--profile", graph, "--stages", 9), "stages");
        assertRefused(CommandRun.of("plan", "--stages", 2, "--tiles", "auto"), "leave out --stages");
    }

    @Test
    void choosesTiles() throws IOException {
        CommandRun run = CommandRun.of(
                "plan", "--model", "lenet", "--batch", 4, "--devices", 2, "--tiles", "auto", "--json", json);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("Tiles: grid", "from 'conv1'", "Predicted step", "Memory of a device");
        JsonNode figures = Json.MAPPER.readTree(json.toFile());
        assertThat(figures.get("from").asText()).isEqualTo("conv1");
        assertThat(figures.get("multiplyAdds").asDouble()).isGreaterThanOrEqualTo(1);
        assertThat(figures.get("memoryBytes").asLong()).isPositive();
    }

    @Test
    void refusesOtherTilesAndTooLittleMemory() {
        CommandRun grid = CommandRun.of("plan", "--model", "lenet", "--tiles", "2x3");
        assertThat(grid.exitCode()).isEqualTo(2);
        assertThat(grid.err()).contains("--tiles must be auto here, got 2x3");
        CommandRun small = CommandRun.of(
                "plan", "--model", "lenet", "--batch", 4, "--devices", 2, "--tiles", "auto", "--memory", 1000);
        assertThat(small.exitCode()).isEqualTo(2);
        assertThat(small.err()).contains("--tiles: No tiling fits into memory");
    }

    @Test
    void simulatesSeveralNumbersOfDevices() throws IOException {
        CommandRun run = run("simulate", 64, "1,2,4");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode runs = Json.MAPPER.readTree(json.toFile()).get("runs");
        assertThat(runs).hasSize(3);
        assertThat(runs.get(0).get("speedup").asDouble()).isEqualTo(1);
        JsonNode four = runs.get(2);
        assertThat(four.get("devices").asInt()).isEqualTo(4);
        assertThat(four.get("stepMillis").asDouble()).isEqualTo(256); // data parallel, without transfers
        assertThat(four.get("speedup").asDouble()).isEqualTo(4);
        assertThat(four.get("bubble").asDouble()).isZero();
        assertThat(run.out()).contains("devices  step ms  times", "data parallel");
        assertFitsTerminal(run.out());
    }

    @Test
    void simulatedDevicesDoNotSlowEachOtherDown() throws IOException {
        GraphProfile alone = GraphProfile.readPipeDream(graph);
        graph = directory.resolve("profile.json");
        MachineSpeed halved = new MachineSpeed(2, 0, 1, 0.5, 0);
        new GraphProfile(1, "cpu-0", 1, halved, Map.of(), alone.vertices()).save(graph);
        CommandRun run = run("simulate", 64, "2");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode two = Json.MAPPER.readTree(json.toFile()).get("runs").get(0);
        assertThat(two.get("speedup").asDouble()).isEqualTo(2);
    }

    /** Where the network is slow, one machine is faster, and the answer says so. */
    @Test
    void machinesHaveANetworkBetweenThem() throws IOException {
        CommandRun fast = CommandRun.of(
                "simulate",
                "--estimate",
                "vgg16",
                "--batch",
                64,
                "--machines",
                "1,4",
                "--cores",
                8,
                "--bandwidth",
                "100gbit",
                "--latency",
                0.05,
                "--json",
                json);
        assertThat(fast.exitCode()).as(fast.err()).isZero();
        JsonNode four = Json.MAPPER.readTree(json.toFile()).get("runs").get(1);
        assertThat(four.get("used").asInt()).isEqualTo(4);
        assertThat(four.get("speedup").asDouble()).isBetween(2.5, 4.0);
        assertThat(fast.out()).contains("machines  used  step ms  times", "in brackets the replicas");
        assertFitsTerminal(fast.out());
        CommandRun slow = CommandRun.of(
                "plan",
                "--estimate",
                "vgg16",
                "--batch",
                64,
                "--machines",
                4,
                "--cores",
                8,
                "--bandwidth",
                "0.001gbit");
        assertThat(slow.exitCode()).as(slow.err()).isZero();
        assertThat(slow.out()).contains("Cluster: One machine is faster than 4");
    }

    @Test
    void aModelIsProfiledFirst() {
        CommandRun run = CommandRun.of("plan", "--model", "lenet", "--batch", 8, "--devices", 2);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).contains("Profiling lenet");
        assertThat(run.out()).contains("Verdict:");
    }

    @Test
    void badInput() throws IOException {
        assertRefused(CommandRun.of("plan", "--profile", graph, "--bandwidth", "fast"), "--bandwidth");
        assertRefused(CommandRun.of("plan", "--profile", graph, "--bandwidth", "-1"), "--bandwidth must be positive");
        assertRefused(CommandRun.of("plan", "--profile", graph, "--memory", "0"), "--memory must be at least 1");
        assertRefused(CommandRun.of("plan", "--profile", graph, "--memory", "1000"), "No plan fits into memory");
        assertRefused(
                CommandRun.of("simulate", "--profile", graph, "--devices", "2,0"), "--devices must be at least 1");
        assertRefused(CommandRun.of("plan", "--profile", graph, "--cores", "2"), "--cores is for --machines");
        assertRefused(
                CommandRun.of("plan", "--profile", graph, "--machines", "2", "--devices", "2"),
                "--machines and --devices exclude each other");
        assertRefused(CommandRun.of("plan", "--profile", graph, "--machines", "0"), "between 1 and 1024, got 0");
        assertRefused(CommandRun.of("plan", "--estimate", "gpt"), "there is no network 'gpt'");
        Files.writeString(graph, "\nnode0 -- nonsense\n");
        assertRefused(CommandRun.of("plan", "--profile", graph), "graph.txt line 2: expected");
    }

    private static void assertFitsTerminal(String text) {
        assertThat(text.lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(80));
    }

    private static void assertRefused(CommandRun run, String message) {
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains(message);
    }
}
