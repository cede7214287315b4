package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.internal.device.WholeProcess;
import io.github.dl4jpipeline.internal.memory.PipelineMemory;
import io.github.dl4jpipeline.internal.stage.ActivationMemory;
import io.github.dl4jpipeline.schedule.Workers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The workers of a pipeline, and the threads beside them: runs steps, and work between two passes. The calling thread waits
 * for all that it starts, with a watchdog; or it is the only worker.
 */
final class StageWorkers implements PipelineMemory.Threads {
    private static final long CHECK_MILLIS = 1_000;
    private static final long CLOSE_MILLIS = 30_000;

    private final Workers layout;
    private final List<StageWorker> workers = new ArrayList<>();
    private final Watchdog watchdog;
    private @Nullable UpdateThreads updateThreads;
    private @Nullable CallersWatch callersWatch;
    private volatile boolean closed;
    private boolean stuck;

    /** There are none yet: the memory that they work in comes first. */
    StageWorkers(Workers layout, Duration warnAfter, Duration giveUpAfter) {
        this.layout = layout;
        this.watchdog = new Watchdog(workers, warnAfter, giveUpAfter);
    }

    /** Adds a worker, in the order of their numbers. */
    void add(StageWorker worker) {
        workers.add(worker);
    }

    /** Adds the only worker, which runs in the calling thread. */
    void addInCallersThread(StageWorker worker, String pipeline) {
        add(worker);
        callersWatch = new CallersWatch(pipeline + "-watch", worker, watchdog, CHECK_MILLIS);
    }

    /** How many there are. */
    int count() {
        return workers.size();
    }

    /** Adds the threads that take part in updates. */
    void add(UpdateThreads threads) {
        updateThreads = threads;
    }

    /** @throws IllegalStateException if these workers are closed, or one hangs */
    void requireUsable() {
        if (closed) {
            throw new IllegalStateException("This pipeline is closed");
        }
        if (stuck) {
            throw new IllegalStateException(
                    "A worker of this pipeline hangs in an earlier step; close it and build a new one");
        }
    }

    /**
     * Runs a step, until every worker has left it, however it ends.
     *
     * @return how the calling thread was interrupted, which has stopped the step; null if it was not
     */
    @Nullable InterruptedException run(Step step) {
        watchdog.begin("No stage has begun a vertex");
        submit(step);
        InterruptedException interrupted = null;
        while (true) {
            try {
                if (step.awaitWorkers(CHECK_MILLIS)) {
                    break;
                }
                watchdog.check();
            } catch (InterruptedException e) {
                interrupted = e;
                step.stop();
            } catch (IllegalStateException e) {
                stuck = true;
                step.stop();
                throw new PipelineException("Training step does not end: " + e.getMessage(), e);
            }
        }
        if (interrupted != null) {
            Thread.currentThread().interrupt();
        }
        return interrupted;
    }

    private void submit(Step step) {
        CallersWatch watch = callersWatch;
        if (watch == null) {
            workers.forEach(worker -> worker.submit(step));
            return;
        }
        watch.begin(step);
        try (ActivationMemory.Visit ignored = new ActivationMemory.Visit()) {
            workers.get(0).submit(step);
        } finally {
            watch.end();
        }
    }

    @Override
    public void inEachStage(IntConsumer work) {
        requireUsable();
        Map<Integer, List<Integer>> stagesOfWorker = new HashMap<>();
        for (int stage = 0; stage < layout.stages(); stage++) {
            stagesOfWorker
                    .computeIfAbsent(layout.worker(stage, 0), worker -> new ArrayList<>())
                    .add(stage);
        }
        List<CompletableFuture<?>> running = new ArrayList<>();
        stagesOfWorker.forEach((worker, stages) -> running.add(
                workers.get(worker).call(() -> stages.forEach(stage -> runNamed(work, stage, workers.get(worker))))));
        await(CompletableFuture.allOf(running.toArray(CompletableFuture[]::new)));
    }

    private static void runNamed(IntConsumer work, int stage, StageWorker worker) {
        try {
            work.accept(stage);
        } catch (RuntimeException e) {
            throw new PipelineException(
                    "Stage " + stage + " on device " + worker.device().id()
                            + " fails between forward and backward passes: " + e.getMessage(),
                    e);
        }
    }

    @Override
    public void inEachThread(Runnable work) {
        List<CompletableFuture<?>> running = new ArrayList<>();
        // Else BLAS would use all cores for each thread, and its threads wait for more in a loop that takes a core.
        try (WholeProcess.Limit ignored = WholeProcess.limitThreads(1)) {
            try {
                if (updateThreads != null) {
                    running.addAll(updateThreads.start(work));
                }
                workers.forEach(worker -> running.add(worker.call(work).exceptionally(ended -> null)));
            } finally { // whatever happens, those that have begun use the caller's arrays
                await(CompletableFuture.allOf(running.toArray(CompletableFuture[]::new)));
            }
        }
    }

    /** Waits for work between two passes. It is not called off half done, so an interrupt is kept for later. */
    private void await(CompletableFuture<Void> work) {
        boolean interrupted = false;
        watchdog.begin("No stage has ended its update");
        try {
            while (true) {
                try {
                    work.get(CHECK_MILLIS, TimeUnit.MILLISECONDS);
                    return;
                } catch (TimeoutException e) {
                    watchdog.check();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            throw new PipelineException(String.valueOf(e.getCause().getMessage()), e.getCause());
        } catch (IllegalStateException e) {
            stuck = true;
            throw new PipelineException("Work between two passes does not end: " + e.getMessage(), e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Lets the threads end after what they do. */
    void end() {
        closed = true;
        workers.forEach(StageWorker::close);
        if (updateThreads != null) {
            updateThreads.close();
        }
        if (callersWatch != null) {
            callersWatch.close();
        }
    }

    /** Waits until they have ended. Returns false if one has not. */
    boolean awaitEnd() {
        boolean ended = true;
        boolean interrupted = false;
        for (StageWorker worker : workers) {
            try {
                ended &= worker.awaitEnd(CLOSE_MILLIS);
            } catch (InterruptedException e) {
                interrupted = true;
                ended = false;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (ended && callersWatch != null) {
            callersWatch.join();
        }
        return ended;
    }
}
