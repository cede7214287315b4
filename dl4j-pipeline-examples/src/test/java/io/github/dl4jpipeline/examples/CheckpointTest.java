package io.github.dl4jpipeline.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.examples.data.TestBatches;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
    @TempDir
    private Path directory;

    private Path data;
    private Path model;
    private Path out;
    private Path checkpoints;

    @BeforeEach
    void write() {
        data = TestBatches.directory(directory.resolve("data"), 43, 10);
        model = TinyModel.save(directory.resolve("tiny.zip"));
        out = directory.resolve("out.zip");
        checkpoints = directory.resolve("checkpoints");
    }

    @Test
    void aResumedRunEndsWhereAnUninterruptedOneDoes() throws IOException {
        assertThat(train("--epochs", 4).exitCode()).isZero();
        ComputationGraph uninterrupted = ComputationGraph.load(out.toFile(), true);

        assertThat(train("--epochs", 2, "--checkpoint-dir", checkpoints).exitCode())
                .isZero();
        CommandRun resumed = train("--epochs", 4, "--checkpoint-dir", checkpoints, "--resume");

        assertThat(resumed.exitCode()).as(resumed.err()).isZero();
        assertThat(resumed.err())
                .contains("Resuming after epoch 2", "epoch 3/4")
                .doesNotContain("epoch 1/4");
        ComputationGraph graph = ComputationGraph.load(out.toFile(), true);
        assertThat(graph.params()).isEqualTo(uninterrupted.params());
        assertThat(graph.getUpdater().getStateViewArray())
                .isEqualTo(uninterrupted.getUpdater().getStateViewArray());
        assertThat(graph.getIterationCount()).isEqualTo(uninterrupted.getIterationCount());
        assertThat(graph.getEpochCount()).isEqualTo(4);
        assertThat(checkpoints)
                .isDirectoryContaining("glob:**checkpoint-0001.zip")
                .isDirectoryContaining("glob:**checkpoint-0004.zip");
    }

    @Test
    void aCheckpointIsAnOrdinaryModel() throws IOException {
        train("--epochs", 1, "--checkpoint-dir", checkpoints);
        ComputationGraph checkpoint =
                ComputationGraph.load(checkpoints.resolve("checkpoint-0001.zip").toFile(), true);
        assertThat(checkpoint.params())
                .isEqualTo(ComputationGraph.load(out.toFile(), true).params());
    }

    @Test
    void doesNotOverwriteAnEarlierRun() {
        train("--epochs", 1, "--checkpoint-dir", checkpoints);
        assertRefused(
                train("--epochs", 1, "--checkpoint-dir", checkpoints),
                "holds checkpoint-0001.zip of an earlier run; give --resume");
    }

    @Test
    void refusesToResumeFromNothing() throws IOException {
        assertRefused(train("--resume"), "--resume needs --checkpoint-dir");
        assertRefused(train("--checkpoint-dir", checkpoints, "--resume"), checkpoints + " does not exist");
        Files.createDirectory(checkpoints);
        assertRefused(train("--checkpoint-dir", checkpoints, "--resume"), "holds no checkpoint");
    }

    @Test
    void refusesToResumeAnotherRun() {
        train("--epochs", 1, "--checkpoint-dir", checkpoints);
        assertRefused(
                train("--epochs", 2, "--checkpoint-dir", checkpoints, "--resume", "--seed", 1),
                "there --seed is 42, in this run 1");
        TestBatches.write(data.resolve("data_batch_1.bin"), 9, 43);
        assertRefused(
                train("--epochs", 2, "--checkpoint-dir", checkpoints, "--resume"), "checksum of the training images");
    }

    @Test
    void refusesToResumeWithNothingToTrain() {
        train("--epochs", 1, "--checkpoint-dir", checkpoints);
        assertRefused(
                train("--epochs", 1, "--checkpoint-dir", checkpoints, "--resume"),
                "checkpoint-0001.zip has 1 epochs already");
    }

    @Test
    void refusesADamagedCheckpoint() throws IOException {
        train("--epochs", 1, "--checkpoint-dir", checkpoints);
        Path checkpoint = checkpoints.resolve("checkpoint-0001.zip");
        byte[] whole = Files.readAllBytes(checkpoint);
        Files.write(checkpoint, Arrays.copyOf(whole, whole.length / 2));
        assertRefused(
                train("--epochs", 2, "--checkpoint-dir", checkpoints, "--resume"), "Cannot resume from " + checkpoint);
    }

    @Test
    void findsAnUnwritableDirectoryBeforeTraining() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        CommandRun run = train("--checkpoint-dir", file.resolve("checkpoints"));
        assertRefused(run, "Checkpoint directory " + file.resolve("checkpoints") + " cannot be written");
        assertThat(run.err()).doesNotContain("epoch");
        assertThat(out).doesNotExist();
    }

    private CommandRun train(Object... more) {
        return CommandRun.trainTiny(model, data, out, more);
    }

    private static void assertRefused(CommandRun run, String message) {
        assertThat(run.err()).contains("error: ").contains(message);
        assertThat(run.exitCode()).isEqualTo(2);
    }
}
