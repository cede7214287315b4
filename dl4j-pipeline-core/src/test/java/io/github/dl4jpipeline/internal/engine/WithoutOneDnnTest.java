package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.fixture.JavaProcess;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
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
        JavaProcess.Outcome process = new JavaProcess(program, "-Xmx512m", "-D" + OneDnn.PROPERTY + "=" + property)
                .run(directory, Duration.ofMinutes(10));
        assertThat(process.succeeded()).as(process.output()).isTrue();
    }
}
