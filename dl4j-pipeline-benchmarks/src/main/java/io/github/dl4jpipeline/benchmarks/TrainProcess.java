package io.github.dl4jpipeline.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code train} with checkpoints in a process of its own, with the Java options of this one. */
final class TrainProcess {
    private static final long POLL_MILLIS = 5;

    private final Path directory;
    private final String model;
    private final List<String> options;
    private @Nullable Process process;

    TrainProcess(Path directory, String model, List<String> options) {
        this.directory = directory;
        this.model = model;
        this.options = List.copyOf(options);
    }

    List<String> options() {
        return options;
    }

    /** The trained model. */
    Path out() {
        return directory.resolve("out/model.zip");
    }

    /** Where the checkpoints are. */
    Path checkpointDirectory() {
        return directory.resolve("checkpoints");
    }

    /** Files with the name of a checkpoint. */
    List<Path> checkpoints() throws IOException {
        if (!Files.exists(checkpointDirectory())) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(checkpointDirectory())) {
            return files.filter(file -> file.getFileName().toString().matches("checkpoint-\\d+\\.zip"))
                    .sorted()
                    .toList();
        }
    }

    /** All other files that there are. */
    List<Path> otherFiles() throws IOException {
        List<Path> known = new ArrayList<>(checkpoints());
        known.add(out());
        known.add(log());
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> !known.contains(file))
                    .toList();
        }
    }

    void start(List<String> more) throws IOException {
        Files.createDirectories(out().getParent());
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.github.dl4jpipeline.cli.Main"));
        command.addAll(List.of("train", "--model", model, "--out", out().toString()));
        command.addAll(List.of("--checkpoint-dir", checkpointDirectory().toString()));
        command.addAll(options);
        command.addAll(more);
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
                .start();
    }

    private Path log() {
        return directory.resolve("log");
    }

    void awaitFirstCheckpoint() throws IOException, InterruptedException {
        while (checkpoints().isEmpty() && running().isAlive()) {
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
    }

    /** Waits for the end. */
    void awaitEnd() throws InterruptedException {
        int code = running().waitFor();
        if (code != 0) {
            throw new IllegalStateException("train has ended with " + code + ", see " + log());
        }
    }

    void runToEnd(List<String> more) throws IOException, InterruptedException {
        start(more);
        awaitEnd();
    }

    /** Kills it after a time; false if it has ended before. */
    boolean killAfter(long nanos) throws InterruptedException {
        if (running().waitFor(nanos, TimeUnit.NANOSECONDS)) {
            return false;
        }
        running().destroyForcibly().waitFor(); // SIGKILL
        return true;
    }

    private Process running() {
        if (process == null) {
            throw new IllegalStateException("not started");
        }
        return process;
    }
}
