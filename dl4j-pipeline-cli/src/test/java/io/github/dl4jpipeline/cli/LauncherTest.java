package io.github.dl4jpipeline.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What the launcher checks before it builds anything. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the launcher is a bash script")
class LauncherTest {
    private static final Path LAUNCHER = Path.of("bin/dl4j-pipeline").toAbsolutePath();

    @TempDir
    private Path directory;

    @Test
    void refusesAnOldJava() throws IOException, InterruptedException {
        Path home = javaHome("echo '    java.specification.version = 1.8' >&2");
        Path link = Files.createSymbolicLink(directory.resolve("link"), LAUNCHER);

        Process process = run(link, home);

        assertThat(new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("Java 17 or newer is needed")
                .contains(home + "/bin/java' is version 8");
        assertThat(process.waitFor()).isEqualTo(1);
        Files.delete(link);
    }

    @Test
    void startsFromTheExamplesTooAndThroughLinks() throws IOException, InterruptedException {
        Path home = javaHome("echo '    java.specification.version = 1.8' >&2");
        Path examples = Path.of("../dl4j-pipeline-examples/bin/dl4j-pipeline").toAbsolutePath();
        Path link = Files.createSymbolicLink(directory.resolve("link"), examples);

        Process process = run(link, home);

        assertThat(new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("Java 17 or newer is needed");
        assertThat(process.waitFor()).isEqualTo(1);
        Files.delete(link);
    }

    @Test
    void saysWhereItLooksForJava() throws IOException, InterruptedException {
        Process process = run(LAUNCHER, directory);

        assertThat(new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("there is no '" + directory + "/bin/java'");
        assertThat(process.waitFor()).isEqualTo(1);
    }

    private Process run(Path command, Path javaHome) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("bash", command.toString(), "--version");
        builder.directory(directory.toFile());
        builder.environment().put("JAVA_HOME", javaHome.toString());
        return builder.start();
    }

    private Path javaHome(String script) throws IOException {
        Path java = directory.resolve("home/bin/java");
        Files.createDirectories(java.getParent());
        Files.writeString(java, "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
        return directory.resolve("home");
    }
}
