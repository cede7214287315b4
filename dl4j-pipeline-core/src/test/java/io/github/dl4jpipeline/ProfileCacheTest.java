package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineListener.PlanChosen;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.profile.GraphProfile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

class ProfileCacheTest {
    @TempDir
    private Path directory;

    private static ComputationGraph graph(long seed) {
        return TestGraphs.graph(TestGraphs.dense(DataType.FLOAT, settings -> settings.seed(seed)));
    }

    private static PlanChosen train(ComputationGraph graph, Path cache, int examples) {
        List<PlanChosen> chosen = new ArrayList<>();
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(1))
                .profileCache(cache)
                .listener(new PipelineListener() {
                    @Override
                    public void planChosen(PlanChosen event) {
                        chosen.add(event);
                    }
                })
                .build()) {
            net.fit(new DataSet(
                    Nd4j.rand(examples, 6), Nd4j.eye(3).repeat(0, examples / 3 + 1).getRows(0, 1, 2, 3, 4, 5)));
        }
        return chosen.get(0);
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    @Test
    void theSecondRunFindsTheProfileOfTheFirstWhateverTheSeed() {
        PlanChosen first = train(graph(1), directory, 6);
        PlanChosen second = train(graph(2), directory, 6);

        assertThat(first.cached()).isFalse();
        assertThat(second.cached()).isTrue();
        assertThat(second.profile()).isEqualTo(first.profile());
    }

    @Test
    void anotherStructureHasAnotherProfile() throws IOException {
        train(graph(1), directory, 6);
        ComputationGraph other = TestGraphs.graph(
                TestGraphs.dense(DataType.FLOAT, settings -> settings.activation(Activation.SOFTSIGN)));

        assertThat(train(other, directory, 6).cached()).isFalse();
        assertThat(files()).hasSize(2);
    }

    @Test
    void damagedAndForeignEntriesAreIgnoredAndReplaced() throws IOException {
        PlanChosen first = train(graph(1), directory, 6);
        Path file = files().get(0);
        Files.writeString(file, Files.readString(file).substring(0, 100));

        assertThat(train(graph(1), directory, 6).cached()).isFalse();
        assertThat(GraphProfile.load(file).vertices()).hasSameSizeAs(first.profile().orElseThrow().vertices());

        Files.writeString(file, Files.readString(file).replace("dense2", "other2"));
        assertThat(train(graph(1), directory, 6).cached()).isFalse();
    }

    @Test
    void aDirectoryThatCannotBeMadeCostsNoTraining() throws IOException {
        Path notADirectory = Files.writeString(directory.resolve("file"), "text");

        assertThat(train(graph(1), notADirectory.resolve("cache"), 6).cached()).isFalse();
    }
}
