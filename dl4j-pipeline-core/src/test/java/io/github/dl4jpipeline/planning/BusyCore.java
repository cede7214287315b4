package io.github.dl4jpipeline.planning;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Processes that keep one core busy until closed.
 *
 * <p>Each is a session of its own, because Linux may divide a core between sessions instead of processes: processes of the
 * test's session would take from each other, and leave it as much as before.
 */
final class BusyCore implements AutoCloseable {
    private static final int PROCESSES = 8;

    /** They end by themselves after so many seconds of computing, in case that this JVM is killed. */
    private static final int MOST_SECONDS = 60;

    private final List<Process> processes = new ArrayList<>();

    BusyCore(int core) throws IOException {
        try {
            for (int i = 0; i < PROCESSES; i++) {
                processes.add(new ProcessBuilder(
                                "setsid",
                                "taskset",
                                "-c",
                                String.valueOf(core),
                                "sh",
                                "-c",
                                "ulimit -t " + MOST_SECONDS + "; while :; do :; done")
                        .inheritIO()
                        .start());
            }
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    /** Whether this machine has the commands that it takes. */
    static boolean isPossible() {
        return Stream.of("setsid", "taskset", "sh").allMatch(BusyCore::isOnPath);
    }

    private static boolean isOnPath(String command) {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .anyMatch(directory -> new File(directory, command).canExecute());
    }

    /** Whether all of them still run. */
    boolean isBusy() {
        return processes.stream().allMatch(Process::isAlive);
    }

    @Override
    public void close() {
        processes.forEach(Process::destroyForcibly);
    }
}
