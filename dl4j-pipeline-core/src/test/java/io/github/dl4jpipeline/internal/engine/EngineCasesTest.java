package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The engine beside Deeplearning4j's own layers over many sizes, strides, paddings and so on, in a process of its own, so that
 * the case that ends it is named. {@code -Dlayer.cases} sets how many cases, {@code -Dlayer.seed} which.
 */
class EngineCasesTest {
    private static final int CASES = Integer.getInteger("layer.cases", 250);
    private static final long SEED = Long.getLong("layer.seed", 1);

    @Test
    void everyLayerEqualsDeeplearning4jsOwn(@TempDir Path directory) throws IOException, InterruptedException {
        Path log = directory.resolve("log");
        Process process = start(directory, log);
        boolean ended = process.waitFor(600L + 2L * CASES, TimeUnit.SECONDS);
        process.destroyForcibly().waitFor();

        List<String> lines = Files.readAllLines(log);
        assertThat(lines).noneMatch(line -> line.startsWith(EngineCaseRunner.WRONG));
        assertThat(lastOf(lines, EngineCaseRunner.DONE))
                .as(
                        "the process %s in %s",
                        ended ? "ended with status " + process.exitValue() : "hangs",
                        lastOf(lines, EngineCaseRunner.CASE))
                .isNotEmpty();
    }

    private static String lastOf(List<String> lines, String kind) {
        return lines.stream()
                .filter(line -> line.startsWith(kind))
                .reduce((first, second) -> second)
                .orElse("");
    }

    private static Process start(Path directory, Path log) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx1g",
                "-XX:TieredStopAtLevel=1",
                "-XX:-CreateCoredumpOnCrash",
                "-Dorg.bytedeco.javacpp.maxbytes=3G",
                "-Dorg.bytedeco.javacpp.maxphysicalbytes=6G",
                "-cp",
                System.getProperty("java.class.path"),
                EngineCaseRunner.class.getName(),
                log.toString(),
                String.valueOf(SEED),
                "0",
                String.valueOf(CASES));
        builder.environment()
                .put("MALLOC_PERTURB_", "1"); // new memory holds huge numbers, so that what reads it is seen
        return builder.directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("output").toFile())
                .start();
    }
}
