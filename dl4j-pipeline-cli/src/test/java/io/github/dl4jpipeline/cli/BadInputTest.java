package io.github.dl4jpipeline.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.cli.data.TestBatches;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the user gets wrong is told by name, with exit code 2, and nothing is written. */
class BadInputTest {
    @TempDir
    private Path directory;

    private Path model;
    private Path out;

    @BeforeEach
    void write() {
        model = TinyModel.save(directory.resolve("tiny.zip"));
        out = directory.resolve("out.zip");
    }

    @ParameterizedTest
    @CsvSource({
        "--epochs, 0, '--epochs must be at least 1, got 0'",
        "--batch, -3, '--batch must be at least 1, got -3'",
        "--stages, 0, '--stages must be at least 1, got 0'",
        "--micro-batches, 0, '--micro-batches must be at least 1, got 0'",
        "--schedule, gpipe, 'no schedule ''gpipe''; known are fill-drain, 1f1b and zb-h1'",
        "--batch, many, 'Invalid value for option ''--batch'''",
        "--tiles, 2by3, '--tiles must be ROWSxCOLUMNS, such as 2x3, or auto, got 2by3'",
        "--tiles, 0x3, '--tiles must be ROWSxCOLUMNS, such as 2x3, or auto, got 0x3'",
        "--tiles, 2x3, '--tiles needs --tile-from and --tile-to'",
        "--tile-cut, pool1, 'need --tiles'",
        "--tiles, AUTO, '--tiles must be ROWSxCOLUMNS, such as 2x3, or auto, got AUTO'",
        "--model, yolo-416, 'Model ''yolo-416'' takes images of 3x416x416; here models for images of 3x32x32 can be used'",
        "--replicas, 0, '--replicas must be at least 1, got 0'",
        "--gpus, 0, '--gpus must be at least 1, got 0'",
        "--deadline, 0, '--deadline must be at least 1, got 0'",
        "--model, alexnet3, 'no model ''alexnet3''; known are alexnet-cifar, lenet, resnet-cifar, vgg16-cifar'",
        "--model, alexnet, 'Model ''alexnet'' takes images of 3x224x224; here models for images of 3x32x32 can be used'",
        "--model, lstm, 'Model ''lstm'' takes sequences of 64x32; here models for images of 3x32x32 can be used'",
        "--model, mlp, 'Model ''mlp'' takes rows of 64 values; here models for images of 3x32x32 can be used'",
        "--model, missing.zip, 'Model file missing.zip does not exist'",
        "--data, missing, 'Data directory missing does not exist'"
    })
    void namesTheOptionAndTheValue(String option, String value, String message) {
        assertRefused(CommandRun.of("train", "--out", out, option, value), message);
    }

    @Test
    void aDeadlineThatNoPlanMeets() {
        assertRefused(
                CommandRun.of("train", "--model", "lenet", "--out", out, "--deadline", 1),
                "No plan meets the deadline of 1.0 ms: the best latest execution time is ");
    }

    /** These tests run on the CPU's backend, so that GPUs cannot be used even where there are some. */
    @Test
    void saysWhatGpusNeedAndWhatRunsInstead() {
        CommandRun run = CommandRun.of("train", "--out", out, "--gpus", 2);
        assertRefused(run, "--gpus: No GPU can be used: ");
        assertThat(run.err()).contains("Needed: ").contains("What runs instead: Devices.cpu()");
    }

    @Test
    void refusesVerticesThatCannotBeTiled() {
        Path data = TestBatches.directory(directory.resolve("data"), 10, 10);
        assertRefused(
                CommandRun.of(
                        "train",
                        "--model",
                        "lenet",
                        "--data",
                        data,
                        "--out",
                        out,
                        "--tiles",
                        "2x2",
                        "--tile-from",
                        "conv1",
                        "--tile-to",
                        "dense1"),
                "--tiles, lenet: Vertex 'dense1' (DenseLayer) cannot be run in tiles");
    }

    @Test
    void refusesMoreStagesThanVertices() {
        Path data = TestBatches.directory(directory.resolve("data"), 10, 10);
        assertRefused(
                CommandRun.of("train", "--model", model, "--data", data, "--out", out, "--stages", 3),
                "--stages must be at most 2, the number of vertices of tiny, got 3");
    }

    @Test
    void refusesOutputThatCannotBeWritten() throws IOException {
        Path inNothing = directory.resolve("missing/out.zip");
        assertRefused(CommandRun.of("train", "--out", inNothing), "--out " + inNothing + " cannot be written");
        assertRefused(CommandRun.of("train", "--out", directory), "--out " + directory + " is a directory");
        Path json = directory.resolve("missing/figures.json");
        assertRefused(CommandRun.of("train", "--out", out, "--json", json), "--json " + json);
        assertRefused(CommandRun.of("compare", "--json", json), "--json " + json);
        assertRefused(CommandRun.of("profile", "--out", json), "--out " + json);
    }

    @Test
    void keepsAnEarlierModelWhenTheDataAreBad() throws IOException {
        Files.writeString(out, "earlier");
        Path data = directory.resolve("data");
        TestBatches.write(data.resolve("data_batch_1.bin"), new byte[3072]);

        CommandRun run = CommandRun.trainTiny(model, data, out);

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("data_batch_1.bin: record 0 is truncated, it has 3072 of 3073 bytes");
        assertThat(out).hasContent("earlier");
    }

    /** Settings of layers that nobody means, in a model file. */
    @ParameterizedTest
    @CsvSource({
        "'\"padding\" : [ 0, 0 ]', '\"padding\" : [ 1000000, 1000000 ]', 'numbers'",
        "'\"stride\" : [ 4, 4 ]', '\"stride\" : [ 0, 4 ]', 'cannot be run with images'",
        "'\"kernelSize\" : [ 4, 4 ]', '\"kernelSize\" : [ 4, 2147483647 ]', 'parameters'"
    })
    void refusesModelsWithAbsurdLayers(String setting, String absurd, String message) throws IOException {
        try (FileSystem zip = FileSystems.newFileSystem(model)) {
            Path configuration = zip.getPath("configuration.json");
            String json = Files.readString(configuration);
            String changed = json.replace(setting, absurd);
            assertThat(changed).as(json).isNotEqualTo(json);
            Files.writeString(configuration, changed);
        }
        CommandRun run = CommandRun.of("train", "--model", model, "--out", out);
        assertRefused(run, model.toString());
        assertThat(run.err()).contains(message).doesNotContain("\tat ");
    }

    @Test
    void refusesAModelWithADamagedArrayHeader() throws IOException {
        try (FileSystem zip = FileSystems.newFileSystem(model)) {
            Path coefficients = zip.getPath("coefficients.bin");
            byte[] bytes = Files.readAllBytes(coefficients);
            bytes[20] ^= 0x5c;
            Files.write(coefficients, bytes);
        }
        assertRefused(
                CommandRun.of("train", "--model", model, "--out", out),
                "Model file " + model + ", entry coefficients.bin: it has ");
    }

    @Test
    void namesTheSubcommandThatWasMeant() {
        assertRefused(CommandRun.of("trian"), "train");
    }

    private void assertRefused(CommandRun run, String message) {
        assertThat(run.err()).contains("error: ").contains(message);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(out).doesNotExist();
    }
}
