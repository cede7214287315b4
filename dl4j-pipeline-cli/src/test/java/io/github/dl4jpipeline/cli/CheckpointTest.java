package io.github.dl4jpipeline.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.cli.data.TestBatches;
import io.github.dl4jpipeline.internal.file.ModelWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

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

    /** The run without interruption has the plan of the first checkpoint, which no other would have by chance. */
    @ParameterizedTest
    @ValueSource(strings = {"fast", "stock"})
    void aResumedRunEndsWhereAnUninterruptedOneDoesBitForBit(String kernels) throws IOException {
        Path first = Path.of(checkpoints + "-first");
        Object[] choices = {"--stages", 2, "--micro-batches", 3, "--kernels", kernels};
        assertThat(train(choices, "--epochs", 1, "--checkpoint-dir", first).exitCode())
                .isZero();
        Path plan = first.resolve("checkpoint-0001.zip");
        assertThat(train("--epochs", 4, "--plan", plan).exitCode()).isZero();
        ComputationGraph uninterrupted = ComputationGraph.load(out.toFile(), true);
        Files.delete(out);

        assertThat(train("--epochs", 1, "--checkpoint-dir", checkpoints, "--plan", plan)
                        .exitCode())
                .isZero();
        for (int epochs = 2; epochs <= 4; epochs++) {
            CommandRun resumed = train("--epochs", epochs, "--checkpoint-dir", checkpoints, "--resume");
            assertThat(resumed.exitCode()).as(resumed.err()).isZero();
            assertThat(resumed.err())
                    .contains("Resuming after epoch " + (epochs - 1), "epoch " + epochs + "/")
                    .doesNotContain("new plan", "epoch " + (epochs - 1) + "/");
            assertThat(resumed.out()).contains("2 stages on 2 workers");
        }
        ComputationGraph graph = ComputationGraph.load(out.toFile(), true);
        assertThat(bits(graph.params())).isEqualTo(bits(uninterrupted.params()));
        assertThat(bits(graph.getUpdater().getStateViewArray()))
                .isEqualTo(bits(uninterrupted.getUpdater().getStateViewArray()));
        assertThat(graph.getIterationCount()).isEqualTo(uninterrupted.getIterationCount());
        assertThat(graph.getEpochCount()).isEqualTo(4);
    }

    private static byte[] bits(INDArray array) {
        return array.dup().data().asBytes();
    }

    @Test
    void keepsTheLastCheckpoints() throws IOException {
        train("--epochs", 4, "--checkpoint-dir", checkpoints);
        assertThat(files()).containsExactly("checkpoint-0002.zip", "checkpoint-0003.zip", "checkpoint-0004.zip");
        train("--epochs", 5, "--checkpoint-dir", checkpoints, "--resume", "--keep-checkpoints", 1);
        assertThat(files()).containsExactly("checkpoint-0005.zip");
        assertRefused(
                train("--checkpoint-dir", checkpoints, "--keep-checkpoints", 0),
                "--keep-checkpoints must be at least 1, got 0");
    }

    @Test
    void anotherPlanByChoice() {
        Object[] fixed = {"--checkpoint-dir", checkpoints, "--micro-batches", 2, "--stages", 2};
        train(fixed, "--epochs", 1);
        assertThat(train("--epochs", 2, "--checkpoint-dir", checkpoints, "--resume", "--stages", 2)
                        .err())
                .doesNotContain("new plan");
        CommandRun other = train("--epochs", 3, "--checkpoint-dir", checkpoints, "--resume", "--stages", 1);
        assertThat(other.exitCode()).as(other.err()).isZero();
        assertThat(other.err()).contains("With a new plan, since --stages is 1, and was 2: ");
        assertRefused(
                train("--epochs", 3, "--plan", checkpoints.resolve("checkpoint-0001.zip"), "--kernels", "stock"),
                "cannot be used: --kernels is stock, and was fast");
        assertRefused(train("--plan", model), "--plan: " + model + ": it has no entry");
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

    /** As after a kill between the last checkpoint and the end. */
    @Test
    void finishesARunThatHasTrainedAllItsEpochs() throws IOException {
        train("--epochs", 2, "--checkpoint-dir", checkpoints);
        ComputationGraph trained = ComputationGraph.load(out.toFile(), true);
        Files.delete(out);
        CommandRun run = train("--epochs", 2, "--checkpoint-dir", checkpoints, "--resume");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("Accuracy").doesNotContain("loss");
        assertThat(ComputationGraph.load(out.toFile(), true).params()).isEqualTo(trained.params());
        assertRefused(
                train("--epochs", 1, "--checkpoint-dir", checkpoints, "--resume"),
                "checkpoint-0002.zip has 2 epochs already");
    }

    private interface Damage {
        void to(Path checkpoint, byte[] whole) throws IOException;
    }

    private static Stream<Arguments> damages() {
        return Stream.of(
                damage("empty", (file, whole) -> Files.write(file, new byte[0])),
                damage("half", (file, whole) -> Files.write(file, Arrays.copyOf(whole, whole.length / 2))),
                damage("flipped bits", (file, whole) -> {
                    for (int i = 0; i < 100; i++) { // more than a header, which says again what stands elsewhere
                        whole[whole.length / 3 + i] ^= 4;
                    }
                    Files.write(file, whole);
                }),
                damage("a foreign zip", (file, whole) -> TinyModel.save(file)),
                damage("a directory", (file, whole) -> {
                    if (!Files.isDirectory(file)) {
                        Files.delete(file);
                        Files.createDirectories(file.resolve("inside"));
                    }
                }),
                damage("text", (file, whole) -> Files.writeString(file, "text")),
                damage(
                        "no run",
                        (file, whole) -> ModelWriter.write(
                                file,
                                TinyModel.graph(10),
                                true,
                                Map.of("dl4j-pipeline-run.json", "null".getBytes(UTF_8)))));
    }

    private static Arguments damage(String name, Damage damage) {
        return Arguments.of(name, damage);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("damages")
    void goesOnFromTheNewestWholeCheckpoint(String name, Damage damage) throws IOException {
        train("--epochs", 2, "--checkpoint-dir", checkpoints);
        Path newest = checkpoints.resolve("checkpoint-0002.zip");
        damage(damage, newest);

        CommandRun run = train("--epochs", 3, "--checkpoint-dir", checkpoints, "--resume");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).contains("warning: damaged checkpoint " + newest, "Resuming after epoch 1");
        assertThat(ComputationGraph.load(out.toFile(), true).getEpochCount()).isEqualTo(3);

        for (String file : List.of("checkpoint-0001.zip", "checkpoint-0003.zip")) {
            Path other = checkpoints.resolve(file);
            damage(damage, other);
        }
        damage(damage, newest);
        assertRefused(
                train("--epochs", 3, "--checkpoint-dir", checkpoints, "--resume"),
                "Cannot resume from " + checkpoints.resolve("checkpoint-0003.zip"),
                "nor from " + newest,
                "nor from " + checkpoints.resolve("checkpoint-0001.zip"));
    }

    private static void damage(Damage damage, Path file) throws IOException {
        damage.to(file, Files.isDirectory(file) ? new byte[0] : Files.readAllBytes(file));
    }

    @Test
    void removesTheDraftsOfKilledRuns() throws IOException {
        Files.createDirectories(checkpoints);
        Path killed = Files.createFile(checkpoints.resolve(".checkpoint-0001.zip.999999999.part"));
        Path probe = Files.createFile(checkpoints.resolve(".checkpoint.999999999.part"));
        Path ofOut = Files.createFile(directory.resolve(".out.zip.999999999.part"));
        Path others = Files.createFile(checkpoints.resolve(".mine.zip.999999999.part"));
        Path running = Files.createFile(checkpoints.resolve(
                ".checkpoint-0001.zip." + ProcessHandle.current().pid() + ".part"));
        Files.setLastModifiedTime(running, FileTime.from(Instant.EPOCH)); // of an earlier process with this number

        assertThat(train("--epochs", 1, "--checkpoint-dir", checkpoints).exitCode())
                .isZero();
        for (Path draft : List.of(killed, probe, ofOut, running)) {
            assertThat(draft).doesNotExist();
        }
        assertThat(others).exists();
    }

    @Test
    void findsAnUnwritableDirectoryBeforeTraining() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        CommandRun run = train("--checkpoint-dir", file.resolve("checkpoints"));
        assertRefused(run, "Checkpoint directory " + file.resolve("checkpoints") + " cannot be written");
        assertThat(run.err()).doesNotContain("epoch");
        assertThat(out).doesNotExist();
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(checkpoints)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private CommandRun train(Object... more) {
        return train(new Object[0], more);
    }

    private CommandRun train(Object[] more, Object... evenMore) {
        List<Object> fixed = List.of("train", "--model", model, "--data", data, "--out", out, "--batch", 8);
        return CommandRun.of(Stream.of(fixed.stream(), Stream.of(more), Stream.of(evenMore))
                .flatMap(part -> part)
                .toArray());
    }

    private static void assertRefused(CommandRun run, String... messages) {
        assertThat(run.err()).contains("error: ").contains(messages);
        assertThat(run.exitCode()).isEqualTo(2);
    }
}
