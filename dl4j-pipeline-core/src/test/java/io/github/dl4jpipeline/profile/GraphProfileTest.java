package io.github.dl4jpipeline.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.graph.KernelCode;
import io.github.dl4jpipeline.tile.TileVertex;
import io.github.dl4jpipeline.tile.TileableMaps;
import io.github.dl4jpipeline.tile.Window;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GraphProfileTest {
    private static final String MACHINE =
            "\"machine\": {\"jointThreads\": 2, \"jointFixedMillis\": 0.5, \"jointSpeed\": 1.7, \"sharedSpeed\": 1, "
                    + "\"addMillisPerMegabyte\": 0.1}, \"otherCode\": {}, "
                    + "\"tileable\": {\"vertices\": [], \"ends\": [], \"height\": 0, \"width\": 0}";

    private static VertexCost cost(String name, String... inputs) {
        return new VertexCost(
                name,
                List.of(inputs),
                new PassTimes(0.25, 0.05, 0.5, 0.05),
                new PassTimes(1.75, 0.25, 2.5, 0.2),
                new VertexBytes(100, 40, 40, 80, 160, 320));
    }

    private static final GraphProfile PROFILE = new GraphProfile(
            8,
            "cpu-0",
            5,
            new MachineSpeed(2, 0.5, 1.7, 0.9, 0.2),
            Map.of("a", KernelCode.STOCK),
            List.of(cost("in"), cost("a", "in")),
            new TileableMaps(
                    List.of(
                            TileVertex.source("in", 3),
                            new TileVertex("a", List.of(0), new Window(3, 1, 1, 1, false), Window.POINT, 8, 27, false)),
                    List.of("a"),
                    32,
                    24));

    @Test
    void savedAndLoaded(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("profile.json");
        PROFILE.save(file);
        assertThat(GraphProfile.load(file)).isEqualTo(PROFILE);
        PROFILE.save(file); // replaces
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).containsExactly(file);
        }
        assertThat(PROFILE.totalMillis()).isEqualTo(4);
    }

    @Test
    void aFileFromBeforeCostsThatComeOnceWereMeasured() {
        String json =
                PROFILE.toJson().replaceAll("\"(onceForwardMillis|onceBackwardMillis|packedBytes)\" : [^,}]*,?", "");
        json = json.replaceAll(",(\\s*})", "$1");

        VertexCost older = GraphProfile.fromJson("older", json).vertices().get(0);

        assertThat(older.onceBackwardMillis() + older.onceForwardMillis() + older.packedBytes())
                .isZero();
        assertThat(older.apartBytes()).isEqualTo(160);
    }

    @Test
    void costsForOtherNumbersOfExamples() {
        VertexCost half = PROFILE.costsFor(4).get(1);
        assertThat(half.forwardMillis()).isCloseTo(0.05 + 0.1, within(1e-12));
        assertThat(half.backwardMillis()).isEqualTo(0.25 + 0.75);
        assertThat(half.worstForwardMillis()).isCloseTo(0.3, within(1e-12)); // twice the median, as before
        assertThat(half.activationBytes()).isEqualTo(50);
        assertThat(half.parameterBytes()).isEqualTo(40);
        assertThat(PROFILE.costsFor(8)).isEqualTo(PROFILE.vertices());
        assertThatThrownBy(() -> new VertexCost(
                        "a", List.of(), new PassTimes(1, 2, 1), new PassTimes(1, 0, 1), new VertexBytes(0, 0, 0, 0)))
                .hasMessage("Vertex 'a': fixedForwardMillis must be between 0 and the whole time, 1.0, got 2.0");
    }

    @Test
    void whatComesOnceDoesNotGrowWithTheExamples() {
        VertexCost few = PROFILE.costsFor(1).get(1);
        assertThat(few.onceForwardMillis()).isEqualTo(0.05);
        assertThat(few.onceBackwardMillis()).isEqualTo(0.2);
        assertThat(few.apartBytes()).isEqualTo(160);
        assertThat(few.packedBytes()).isEqualTo(320);
        VertexCost inStep = few.inStep(4, 0.001);
        assertThat(4 * inStep.millis()).isCloseTo(4 * few.millis() + 3 * few.laterMillis(0.001), within(1e-12));
        assertThat(few.laterMillis(0.001)).isCloseTo(0.04 - 0.05 - 0.2, within(1e-12));
        assertThat(few.inStep(1, 0.001)).isEqualTo(few);
        assertThatThrownBy(() -> new VertexCost(
                        "a", List.of(), new PassTimes(1, 0, 1, 2), new PassTimes(1, 0, 1), new VertexBytes(0, 0, 0, 0)))
                .hasMessage("Vertex 'a': onceForwardMillis must be between 0 and the whole time, 1.0, got 2.0");
    }

    @Test
    void separateDevicesDoNotDisturbEachOther() {
        GraphProfile separate = PROFILE.forSeparateDevices();
        assertThat(separate.machine()).isEqualTo(new MachineSpeed(1, 0, 1, 1, 0.2));
        assertThat(separate.vertices()).isEqualTo(PROFILE.vertices());
        assertThat(separate.forSeparateDevices()).isEqualTo(separate);
    }

    @Test
    void anUnwritablePlaceLeavesNothing(@TempDir Path directory) {
        Path file = directory.resolve("missing").resolve("profile.json");
        assertThatThrownBy(() -> PROFILE.save(file))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining(file.toString());
    }

    @Test
    void filesThatAreNoProfiles(@TempDir Path directory) throws IOException {
        Path missing = directory.resolve("none.json");
        assertThatThrownBy(() -> GraphProfile.load(missing))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("none.json");
        Path file = directory.resolve("bad.json");
        for (String[] textAndMessage : new String[][] {
            {"{\"examples\": 8, \n oops", "line 2"},
            {"{\"device\": \"x\"}", "examples"},
            {
                "{\"examples\": 0, \"device\": \"x\", \"repetitions\": 1, " + MACHINE + ", \"vertices\": []}",
                "at least 1 example, got 0"
            },
            {oneVertex("\"b\"", "1"), "'a' reads 'b'"},
            {oneVertex("", "-1"), "forwardMillis must be a time of 0 or more, got -1.0"}
        }) {
            Files.writeString(file, textAndMessage[0]);
            assertThatThrownBy(() -> GraphProfile.load(file))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("bad.json")
                    .hasMessageContaining(textAndMessage[1]);
        }
    }

    private static String oneVertex(String inputs, String forwardMillis) {
        return """
                {"examples": 1, "device": "x", "repetitions": 1, %s, "vertices": [{
                  "vertex": "a", "inputs": [%s], "forwardMillis": %s, "fixedForwardMillis": 0, "worstForwardMillis": 1, "backwardMillis": 1, "fixedBackwardMillis": 0,
                  "worstBackwardMillis": 1, "onceForwardMillis": 0, "onceBackwardMillis": 0, "weightMillis": 0, "splitMillis": 0, "activationBytes": 1,
                  "parameterBytes": 1, "gradientBytes": 1, "updaterBytes": 1, "apartBytes": 1, "packedBytes": 1}]}""".formatted(MACHINE, inputs, forwardMillis);
    }
}
