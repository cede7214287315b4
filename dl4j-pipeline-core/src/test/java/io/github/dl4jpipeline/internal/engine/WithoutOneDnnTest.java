package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.internal.onednn.OneDnn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class WithoutOneDnnTest {
    @Test
    void trainsWithTheSameResult(@TempDir Path directory) throws IOException, InterruptedException {
        assertSucceeds(WithoutOneDnn.class, "off", directory);
    }

    /** Also fails where the natives are not on the class path. */
    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = "amd64")
    void anInterruptDoesNotSwitchItOff(@TempDir Path directory) throws IOException, InterruptedException {
        assertSucceeds(InterruptedFirstUse.class, "on", directory);
    }

    private static void assertSucceeds(Class<?> program, String property, Path directory)
            throws IOException, InterruptedException {
        Path output = directory.resolve("output");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx512m",
                        "-XX:TieredStopAtLevel=1",
                        "-D" + OneDnn.PROPERTY + "=" + property,
                        "-cp",
                        System.getProperty("java.class.path"),
                        program.getName())
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        boolean ended = process.waitFor(600, TimeUnit.SECONDS);
        process.destroyForcibly().waitFor();
        assertThat(ended).isTrue();
        assertThat(process.exitValue()).as(Files.readString(output)).isZero();
    }
}
