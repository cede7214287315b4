package io.github.dl4jpipeline.branch;

import static io.github.dl4jpipeline.fixture.TestGraphs.graph;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.internal.file.ModelWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class BranchPartsTest {
    private final ComputationGraph whole = branched(2);
    private final INDArray[] inputs = {
        TestData.values(DataType.DOUBLE, 1, 3, 1, 6, 6), TestData.values(DataType.DOUBLE, 2, 3, 3)
    };

    @TempDir
    private Path directory;

    private static ComputationGraph branched(int branches) {
        return graph(BranchSplitter.branches(branches).split(BranchGraphs.twoInputs()));
    }

    @Test
    void savedPartsJoinToTheWhole() {
        List<BranchPart> loaded = new ArrayList<>();
        for (BranchPart part : BranchParts.of(whole)) {
            Path file = directory.resolve(part.title() + ".zip");
            part.save(file);
            loaded.add(BranchPart.load(file));
        }
        assertThat(loaded)
                .extracting(BranchPart::title)
                .containsExactly("branch 0 of 2", "branch 1 of 2", "the head of 2 branches");
        Collections.reverse(loaded);
        ComputationGraph joined = BranchParts.join(loaded);
        assertThat(joined.getConfiguration()).isEqualTo(whole.getConfiguration());
        assertThat(joined.paramTable()).isEqualTo(whole.paramTable());
        assertThat(joined.output(inputs)).isEqualTo(whole.output(inputs));
    }

    @Test
    void aPartIsAnOrdinaryModel() throws IOException {
        BranchPart branch = BranchParts.of(whole).get(1);
        Path file = directory.resolve("branch.zip");
        branch.save(file);
        ComputationGraph restored = ModelSerializer.restoreComputationGraph(file.toFile());
        INDArray expected = whole.feedForward(inputs, false).get("branch1-hidden");
        assertThat(restored.outputSingle(inputs)).isEqualTo(expected);
    }

    @Test
    void partsRunAloneGiveTheOutput() {
        List<BranchPart> parts = BranchParts.of(whole);
        INDArray[] leaving = parts.subList(0, 2).stream()
                .map(part -> part.graph().outputSingle(inputs))
                .toArray(INDArray[]::new);
        assertThat(parts.get(2).graph().outputSingle(leaving)).isEqualTo(whole.outputSingle(inputs));
    }

    @Test
    void namesThePartThatDoesNotMatch() {
        List<BranchPart> parts = BranchParts.of(whole);
        ComputationGraph trained = branched(2);
        trained.setParams(whole.params().add(1));
        BranchPart stranger = BranchParts.of(trained).get(1);

        assertMismatch("branch 1 of 2 is of another network than branch 0 of 2", parts.get(0), stranger, parts.get(2));
        assertMismatch("branch 1 of 2 is missing", parts.get(0), parts.get(2));
        assertMismatch("the head of 2 branches is missing", parts.get(1), parts.get(0));
        assertMismatch("branch 0 of 2 is there twice", parts.get(0), parts.get(2), parts.get(0));
        assertMismatch("no parts to join");
        assertMismatch(
                "branch 3 of 4 is of another network",
                parts.get(0),
                BranchParts.of(branched(4)).get(3));
    }

    private static void assertMismatch(String message, BranchPart... parts) {
        assertThatThrownBy(() -> BranchParts.join(List.of(parts)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    /** Identities that no part has, and parts that make no network. */
    @Test
    void refusesIdentitiesThatNoPartHas() throws IOException {
        BranchPart branch = BranchParts.of(whole).get(0);
        Path file = directory.resolve("part.zip");
        for (String identity : List.of(
                "null",
                "{}",
                "[]",
                "text",
                "{\"network\": \"x\", \"branches\": 2, \"index\": 9, \"networkInputs\": [\"a\"]}",
                "{\"network\": \"x\", \"branches\": 2, \"index\": -1, \"networkInputs\": [\"a\"]}",
                "{\"network\": \"x\", \"branches\": 2, \"index\": 0, \"networkInputs\": [null]}",
                "{\"network\": null, \"branches\": 2, \"index\": 0, \"networkInputs\": []}")) {
            ModelWriter.write(
                    file, branch.graph(), false, Map.of("branchPart.json", identity.getBytes(StandardCharsets.UTF_8)));
            assertThatThrownBy(() -> BranchPart.load(file))
                    .as(identity)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(file + ", entry branchPart.json: ");
        }
        ModelWriter.write(
                file,
                branch.graph(),
                false,
                Map.of(
                        "branchPart.json",
                        "{\"network\": \"x\", \"branches\": 1, \"index\": 0, \"networkInputs\": []}"
                                .getBytes(StandardCharsets.UTF_8)));
        BranchPart first = BranchPart.load(file);
        ModelWriter.write(
                file,
                branch.graph(),
                false,
                Map.of(
                        "branchPart.json",
                        "{\"network\": \"x\", \"branches\": 1, \"index\": 1, \"networkInputs\": []}"
                                .getBytes(StandardCharsets.UTF_8)));
        assertMismatch("branch 0 of 1 in " + file, first, BranchPart.load(file));
    }

    @Test
    void namesAFileThatHoldsNoPart() throws IOException {
        Path model = directory.resolve("model.zip");
        whole.save(model.toFile());
        Path text = Files.writeString(directory.resolve("text.zip"), "text");
        for (Path file : List.of(model, text)) {
            assertThatThrownBy(() -> BranchPart.load(file)).hasMessageContaining(file.toString());
        }
        assertThatThrownBy(() -> BranchPart.load(model)).hasMessageContaining("is no part of a branched network");
        Path missing = directory.resolve("missing.zip");
        assertThatThrownBy(() -> BranchPart.load(missing)).hasMessageContaining(missing.toString());
    }
}
