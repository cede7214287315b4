package io.github.dl4jpipeline.internal.execute;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches workers from a thread that waits for them. If none has begun a vertex for a while it logs where they are; if that
 * goes on, or a worker has died, it gives up.
 */
final class Watchdog {
    private static final Logger log = LoggerFactory.getLogger(Watchdog.class);

    private final List<StageWorker> workers;
    private final Duration warnAfter;
    private final Duration giveUpAfter;
    private long lastCount = -1;
    private long lastChangeNanos;
    private boolean warned;
    private String stillness = "";

    Watchdog(List<StageWorker> workers, Duration warnAfter, Duration giveUpAfter) {
        this.workers = workers;
        this.warnAfter = warnAfter;
        this.giveUpAfter = giveUpAfter;
    }

    /**
     * Starts to watch a step, or what is done between two passes.
     *
     * @param still what has not happened if nothing moves, such as "No stage has begun a vertex"
     */
    void begin(String still) {
        lastCount = -1;
        stillness = still;
    }

    /**
     * Looks at the workers; called about once a second.
     *
     * @throws IllegalStateException with the threads' stacks, if it will not end
     */
    void check() {
        long count = workers.stream().mapToLong(StageWorker::verticesBegun).sum();
        long now = System.nanoTime();
        if (count != lastCount) {
            lastCount = count;
            lastChangeNanos = now;
            warned = false;
        }
        Duration still = Duration.ofNanos(now - lastChangeNanos);
        for (Thread thread : threads()) {
            if (!thread.isAlive()) {
                throw new IllegalStateException("Worker thread " + thread.getName() + " has died");
            }
        }
        if (still.compareTo(giveUpAfter) >= 0) {
            throw new IllegalStateException(stillness + " for " + still.toSeconds() + " s; giving up. " + dump());
        }
        if (!warned && still.compareTo(warnAfter) >= 0) {
            warned = true;
            log.warn("{} for {} s. {}", stillness, still.toSeconds(), dump());
        }
    }

    /** Those that run tasks. */
    private List<Thread> threads() {
        return workers.stream()
                .map(StageWorker::thread)
                .filter(Objects::nonNull)
                .toList();
    }

    private String dump() {
        return threads().stream()
                .map(thread -> thread.getName() + ":\n    "
                        + Arrays.stream(thread.getStackTrace())
                                .map(StackTraceElement::toString)
                                .collect(Collectors.joining("\n    ")))
                .collect(Collectors.joining("\n", "Worker threads:\n", ""));
    }
}
