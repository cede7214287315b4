package io.github.dl4jpipeline.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GraphProfileTest {
    private static VertexCost cost(String name, String... inputs) {
        return new VertexCost(name, List.of(inputs), 0.25, 0.5, 1.75, 2.5, 100, 40, 40, 80);
    }

    private static final GraphProfile PROFILE = new GraphProfile(8, "cpu-0", 5, List.of(cost("in"), cost("a", "in")));

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
            {"{\"examples\": 0, \"device\": \"x\", \"repetitions\": 1, \"vertices\": []}", "at least 1 example, got 0"},
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
                {"examples": 1, "device": "x", "repetitions": 1, "vertices": [{
                  "vertex": "a", "inputs": [%s], "forwardMillis": %s, "worstForwardMillis": 1, "backwardMillis": 1,
                  "worstBackwardMillis": 1, "activationBytes": 1, "parameterBytes": 1, "gradientBytes": 1,
                  "updaterBytes": 1}]}""".formatted(inputs, forwardMillis);
    }
}
