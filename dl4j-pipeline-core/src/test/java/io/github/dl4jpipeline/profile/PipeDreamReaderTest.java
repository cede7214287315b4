package io.github.dl4jpipeline.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PipeDreamReaderTest {
    private static final String INPUT = node("n1", "Input", "17.9", "0.0", "100.0", "0.0");

    private static String node(String name, String type, String forward, String backward, String size, String weights) {
        return name + " -- " + type + " -- forward_compute_time=" + forward + ", backward_compute_time=" + backward
                + ", activation_size=" + size + ", parameter_size=" + weights;
    }

    @Test
    void nodesAndEdgesInAnyOrder() {
        GraphProfile profile = PipeDreamReader.read(
                "g.txt",
                List.of(
                        "\tn2 -- n3",
                        node("n3", "Linear(8, 4, bias=True)", "1.5", "2.5", "[30.0; 12.0]", "160.000"),
                        INPUT,
                        node("n2", "ReLU(inplace)", "0.25", "0.5", "100.0", "0.0"),
                        "\tn1 -- n2",
                        "\tn1 -- n3",
                        ""));
        assertThat(profile.examples()).isEqualTo(1);
        assertThat(profile.vertices())
                .containsExactly(
                        new VertexCost(
                                "n1",
                                List.of(),
                                new PassTimes(0, 0, 0),
                                new PassTimes(0, 0, 0),
                                new VertexBytes(100, 0, 0, 0)),
                        new VertexCost(
                                "n2",
                                List.of("n1"),
                                new PassTimes(0.25, 0, 0.25),
                                new PassTimes(0.5, 0, 0.5),
                                new VertexBytes(100, 0, 0, 0)),
                        new VertexCost(
                                "n3",
                                List.of("n2", "n1"),
                                new PassTimes(1.5, 0, 1.5),
                                new PassTimes(2.5, 0, 2.5),
                                new VertexBytes(42, 160, 160, 0)));
    }

    @ParameterizedTest
    @CsvSource({
        "n2 -- ReLU -- forward_compute_time=1, line 2: expected 'NODE -- DESCRIPTION",
        "nonsense, line 2: expected 'NODE"
    })
    void malformedLines(String line, String message) {
        assertRefused(List.of(INPUT, line), message);
    }

    @Test
    void errorsNameTheLine() {
        String two = node("n2", "ReLU", "1", "1", "1", "1");
        String three = node("n3", "ReLU", "1", "1", "1", "1");
        assertRefused(List.of(), "line 1: there are no nodes");
        assertRefused(List.of(INPUT, INPUT), "line 2: node 'n1' comes twice, first in line 1");
        assertRefused(
                List.of(INPUT, node("n2", "ReLU", "-1", "1", "1", "1")),
                "line 2: forward_compute_time must be a number of 0 or more, got -1");
        assertRefused(
                List.of(INPUT, node("n2", "ReLU", "1", "x", "1", "1")),
                "line 2: backward_compute_time is not a number: 'x'");
        assertRefused(
                List.of(INPUT, node("n2", "ReLU", "1", "1", "[1; NaN]", "1")),
                "line 2: activation_size must be a number of 0 or more, got NaN");
        assertRefused(List.of(INPUT, "\tn1 -- n9"), "line 2: there is no node 'n9'");
        assertRefused(List.of(INPUT, "\tn1 n2"), "line 2: expected an edge");
        assertRefused(
                List.of(INPUT, two, three, "\tn1 -- n2", "\tn2 -- n3", "\tn3 -- n2"),
                "line 6: the edge from 'n3' to 'n2' closes a cycle");
        assertRefused(
                List.of(INPUT, node("n2", "ReLU", "1e300", "1", "1", "1")),
                "line 2: Vertex 'n2': forwardMillis must be at most 1.0E12 ms, got 1.0E300");
        assertRefused(List.of(INPUT), "is not a profile: A profile needs a vertex to compute");
    }

    @Test
    void nodesWithoutInputsReadOneVirtualSource() {
        GraphProfile profile = PipeDreamReader.read(
                "g.txt",
                List.of(
                        INPUT,
                        node("n2", "Input1", "0.0", "0.0", "0.0", "0.0"),
                        node("n3", "Embedding(9, 4)", "1", "2", "30.0", "160.0"),
                        node("n4", "Add", "1", "1", "30.0", "0.0"),
                        "\tn1 -- n4",
                        "\tn2 -- n4",
                        "\tn3 -- n4"));
        assertThat(profile.vertices().stream().filter(VertexCost::movable))
                .extracting(VertexCost::vertex)
                .containsExactly("n3", "n4");
        assertThat(profile.totalMillis()).isEqualTo(5);
    }

    @Test
    void aFileThatIsNotThere() {
        assertThatThrownBy(() -> GraphProfile.readPipeDream(Path.of("none.txt")))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("none.txt");
    }

    private static void assertRefused(List<String> lines, String message) {
        assertThatThrownBy(() -> PipeDreamReader.read("g.txt", lines))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("g.txt " + message);
    }
}
