package io.github.dl4jpipeline.benchmarks;

import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** What the faults of a soak throw, and what has to come of it. */
final class SoakChecks {
    private SoakChecks() {}

    /** Throws. */
    @SuppressWarnings("DoNotCallSuggester") // made for being passed on
    static void outOfPaper() {
        throw new IllegalStateException("out of paper");
    }

    /** Throws. */
    @SuppressWarnings("DoNotCallSuggester")
    static @Nullable MultiDataSet badSector() {
        throw new IllegalStateException("bad sector");
    }

    /** A call that has to fail with a message that has some parts, and to leave training bit for bit as it was. */
    static void unchanged(ComputationGraph net, Runnable call, String... parts) {
        TrainingState before = TrainingState.of(net);
        requireFailure(call, parts);
        before.requireSame(net);
    }

    /** A call that has to fail with a message that has some parts, after one step. */
    static void oneStep(ComputationGraph net, Runnable call, String... parts) {
        int before = net.getIterationCount();
        requireFailure(call, parts);
        if (net.getIterationCount() != before + 1) {
            throw new IllegalStateException(
                    "one step was expected, but the count went from " + before + " to " + net.getIterationCount());
        }
    }

    private static void requireFailure(Runnable call, String... parts) {
        try {
            call.run();
        } catch (RuntimeException | OutOfMemoryError e) {
            requireSays(e, parts);
            return;
        }
        throw new IllegalStateException("nothing was thrown");
    }

    static void requireSays(Throwable thrown, String... parts) {
        StringBuilder said = new StringBuilder();
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            said.append(cause).append('\n');
        }
        for (String part : parts) {
            if (said.indexOf(part) < 0) {
                throw new IllegalStateException("the exception does not say '" + part + "'", thrown);
            }
        }
    }

    static Thread start(String name, Runnable task) {
        Thread thread = new Thread(task, "soak-" + name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException("the soak was interrupted", e);
        }
    }

    static <T> T result(FutureTask<T> task) {
        try {
            return task.get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException("a thread of the soak failed", e);
        }
    }

    /** Waits for a task; what it has thrown, if anything. */
    static Optional<Throwable> failure(FutureTask<?> task) {
        try {
            task.get();
            return Optional.empty();
        } catch (ExecutionException e) {
            return Optional.of(e.getCause());
        } catch (InterruptedException e) {
            throw new IllegalStateException("the soak was interrupted", e);
        }
    }
}
