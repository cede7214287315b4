package io.github.dl4jpipeline.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.DevicesUnavailableException;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs each example, with little to do, and reads what it prints. */
class ExamplesTest {
    /** A program's main method. */
    @FunctionalInterface
    private interface Program {
        void run(String... args) throws Exception;
    }

    @Test
    void trainsAlexNetOnCifar10(@TempDir Path directory) throws Exception {
        Files.write(directory.resolve("data_batch_1.bin"), records(8));
        Files.write(directory.resolve("data_batch_2.bin"), records(8));
        Files.write(directory.resolve("test_batch.bin"), records(4));

        assertThatPrinted(AlexNetOnCifar10::main, "4", "1", directory.toString())
                .contains("Epoch 1: test accuracy")
                .contains("stage 0");
    }

    @Test
    void namesMissingFilesOfCifar10(@TempDir Path directory) {
        assertThatThrownBy(() -> AlexNetOnCifar10.main("4", "1", directory.toString()))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessage("There is no data_batch_*.bin in " + directory);
    }

    @Test
    void trainsAnOwnNetworkToTheSameScore() throws Exception {
        String printed = printed(OwnNetwork::main, "1");

        assertThat(printed).contains("Test accuracy").contains("Plan: ");
        assertThat(Double.parseDouble(after("In a pipeline:        score ", printed)))
                .isCloseTo(Double.parseDouble(after("Plain Deeplearning4j: score ", printed)), within(2e-4));
    }

    @Test
    void resumesBitForBitAlike(@TempDir Path directory) throws Exception {
        assertThatPrinted(ResumeTraining::main, "2", directory.toString())
                .contains("Checkpoint after epoch 1")
                .contains("Without interruption: epoch 2")
                .contains("Resumed:              epoch 2")
                .contains("the same, bit for bit");
    }

    @Test
    void stopsEarly() throws Exception {
        assertThatPrinted(EarlyStopping::main, "2")
                .contains("Epoch 0: ")
                .contains("Epoch 1: ")
                .contains("MaxEpochsTerminationCondition(2)")
                .contains("validation accuracy");
    }

    @Test
    void runsLargeImagesInTiles() throws Exception {
        assertThatPrinted(LargeImagesInTiles::main, "32").contains("tiles: largest keeps ");
    }

    @Test
    void splitsIntoBranches() throws Exception {
        assertThatPrinted(Branches::main, "1")
                .contains("original: ")
                .contains("2 branches, fattened by 0 %")
                .contains("branch 0 of 2: ")
                .contains("branch 1 of 2: ")
                .contains("head of 2 branches: ");
    }

    @Test
    void readsAPlan(@TempDir Path directory) throws Exception {
        assertThatPrinted(ReadingAPlan::main, "8", directory + "/profile.json")
                .contains("conv1    forward ")
                .contains("Profile saved to ")
                .contains("Plan: 2 stages")
                .contains("Verdict: ")
                .contains("last step");
    }

    @Test
    void trainsOnGpusOrSaysWhatIsMissing() throws Exception {
        String reason = "";
        try {
            Devices.gpu(2);
        } catch (DevicesUnavailableException e) {
            reason = e.getMessage();
        }
        assertThatPrinted(SeveralGpus::main).contains(reason).contains("Score ").contains("stage 0");
    }

    /** Records of CIFAR-10's binary format, the classes in turn. */
    private static byte[] records(int images) {
        byte[] records = new byte[images * 3073];
        for (int i = 0; i < images; i++) {
            records[i * 3073] = (byte) (i % 10);
        }
        return records;
    }

    private static String after(String start, String printed) {
        return printed.lines()
                .filter(line -> line.startsWith(start))
                .findFirst()
                .orElseThrow()
                .substring(start.length());
    }

    private static AbstractStringAssert<?> assertThatPrinted(Program program, String... args) throws Exception {
        return assertThat(printed(program, args));
    }

    private static String printed(Program program, String... args) throws Exception {
        PrintStream console = System.out;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            program.run(args);
        } finally {
            System.setOut(console);
        }
        return printed.toString(StandardCharsets.UTF_8);
    }
}
