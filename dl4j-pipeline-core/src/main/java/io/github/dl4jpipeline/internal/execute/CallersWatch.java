package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.device.Uninterruptibly;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches a worker that runs in the thread that calls {@code fit}, from a thread of its own. When the watchdog gives up, the step
 * fails, and the caller's thread is interrupted. A layer that takes no notice of that hangs on, as in plain {@code fit}; the log says
 * where.
 */
final class CallersWatch {
    private static final Logger log = LoggerFactory.getLogger(CallersWatch.class);

    private final StageWorker worker;
    private final Watchdog watchdog;
    private final long checkMillis;
    private final Thread thread;
    private @Nullable Step step;
    private @Nullable Thread caller;
    private boolean interrupted;
    private boolean closed;

    CallersWatch(String name, StageWorker worker, Watchdog watchdog, long checkMillis) {
        this.worker = worker;
        this.watchdog = watchdog;
        this.checkMillis = checkMillis;
        this.thread = new Thread(this::run, name);
        thread.setDaemon(true);
        thread.start();
    }

    /** The calling thread begins to run a step. */
    synchronized void begin(Step next) {
        step = next;
        caller = Thread.currentThread();
    }

    /** The calling thread has left the step. It is no longer interrupted, unless it was before this watch has interrupted it. */
    synchronized void end() {
        step = null;
        caller = null;
        notifyAll();
        if (interrupted) {
            interrupted = false;
            Thread.interrupted();
        }
    }

    private synchronized void run() {
        while (!closed || caller != null) {
            try {
                wait(checkMillis);
            } catch (InterruptedException e) {
                continue; // by others
            }
            if (step != null && caller != null) {
                check(step, caller);
            }
        }
    }

    private void check(Step watched, Thread running) {
        try {
            watchdog.check();
        } catch (IllegalStateException e) {
            log.error("A training step does not end: {}", e.getMessage());
            worker.giveUp(watched, e);
            interrupted = !running.isInterrupted();
            running.interrupt();
            step = null; // it has been said
        }
    }

    /** Lets the thread end when no step runs. Returns at once. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }

    /** Waits for that. */
    void join() {
        Uninterruptibly.join(thread);
    }
}
