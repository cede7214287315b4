package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.fixture.JavaProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The engine beside Deeplearning4j's own layers over many sizes, strides, paddings and so on, in a process of its own, so that
 * the case that ends it is named. {@code -Dlayer.cases} sets how many cases, {@code -Dlayer.seed} which.
 */
class EngineCasesTest {
    private static final int CASES = Integer.getInteger("layer.cases", 250);
    private static final long SEED = Long.getLong("layer.seed", 1);

    private static final JavaProcess RUNNER = new JavaProcess(
            EngineCaseRunner.class,
            List.of(
                    "-Xmx1g",
                    "-XX:-CreateCoredumpOnCrash",
                    "-Dorg.bytedeco.javacpp.maxbytes=3G",
                    "-Dorg.bytedeco.javacpp.maxphysicalbytes=0"),
            Map.of("MALLOC_PERTURB_", "1")); // new memory holds huge numbers, so that what reads it is seen

    @Test
    void everyLayerEqualsDeeplearning4jsOwn(@TempDir Path directory) throws IOException, InterruptedException {
        Path log = directory.resolve("log");
        JavaProcess.Outcome process = RUNNER.run(
                directory,
                Duration.ofSeconds(600L + 2L * CASES),
                log.toString(),
                String.valueOf(SEED),
                "0",
                String.valueOf(CASES));

        List<String> lines = Files.readAllLines(log);
        assertThat(lines).noneMatch(line -> line.startsWith(EngineCaseRunner.WRONG));
        assertThat(lastOf(lines, EngineCaseRunner.DONE))
                .as(
                        "the process %s in %s",
                        process.inTime() ? "ended with status " + process.status() : "hangs",
                        lastOf(lines, EngineCaseRunner.CASE))
                .isNotEmpty();
    }

    private static String lastOf(List<String> lines, String kind) {
        return lines.stream()
                .filter(line -> line.startsWith(kind))
                .reduce((first, second) -> second)
                .orElse("");
    }
}
