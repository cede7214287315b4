package io.github.dl4jpipeline.cli.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.parallelism.ParallelWrapper;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.DataSet;

/**
 * Deeplearning4j's {@link ParallelWrapper}: a copy of the network on each worker thread, each trained on its share of the
 * batch, then parameters and updater state averaged.
 *
 * <p>Its settings are those with which it is fastest and exact: a worker per core, with one thread per operation (a thread
 * per core was slower); averaging after every step, as otherwise the copies drift apart and a step is not a step of the
 * same training; its default training mode, which is the only exact one; and no prefetching, which has nothing to do for
 * batches that are in memory.
 *
 * <p>A {@code fit} of it starts its workers and ends them, which costs more than a step. So there is a single one, in a
 * thread of its own, that reads from {@link GatedRounds}: a step lasts from the moment at which it gets the batch to the
 * moment at which it asks for the next. Starting the workers is in no measured step.
 */
final class ParallelWrapperFit implements MeasuredSystem {
    static final String NAME = "parallel-wrapper";

    private static final int GIVE_UP_MINUTES = 10;
    private static final int OPERATION_THREADS = 1;

    private final GatedRounds rounds;
    private final Thread fitting;
    private volatile @Nullable Throwable failure;

    /**
     * Starts the workers.
     *
     * @throws IllegalArgumentException if the batch cannot be shared among the workers
     */
    ParallelWrapperFit(ComputationGraph graph, DataSet batch, int workers) {
        if (workers < 2) {
            throw new IllegalArgumentException("it needs at least 2 workers, and there is 1 core");
        }
        if (batch.numExamples() < workers) {
            throw new IllegalArgumentException(
                    "a batch of " + batch.numExamples() + " cannot be shared among " + workers + " workers");
        }
        rounds = new GatedRounds(shares(batch, workers));
        ParallelWrapper wrapper = new ParallelWrapper.Builder<>(graph)
                .workers(workers)
                .averagingFrequency(1)
                .prefetchBuffer(0)
                .build();
        wrapper.setListeners(List.of(new OneThread()));
        fitting = new Thread(() -> wrapper.fit(rounds), "parallel-wrapper-fit");
        fitting.setDaemon(true);
        fitting.setUncaughtExceptionHandler((thread, thrown) -> failure = thrown);
        fitting.start();
        awaitEndOfRound();
    }

    private static List<DataSet> shares(DataSet batch, int workers) {
        int examples = batch.numExamples();
        List<DataSet> shares = new ArrayList<>();
        for (int worker = 0; worker < workers; worker++) {
            shares.add(
                    ((DataSet) batch.getRange(examples * worker / workers, examples * (worker + 1) / workers)).copy());
        }
        return shares;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int operationThreads() {
        return OPERATION_THREADS;
    }

    @Override
    public void step() {
        try (OperationThreads ignored = OperationThreads.use(OPERATION_THREADS)) {
            rounds.admit();
            awaitEndOfRound();
        }
    }

    @Override
    public Map<String, Object> details() {
        return Map.of("workers", rounds.size());
    }

    private void awaitEndOfRound() {
        long giveUp = System.nanoTime() + TimeUnit.MINUTES.toNanos(GIVE_UP_MINUTES);
        try {
            while (!rounds.waiting().tryAcquire(1, TimeUnit.SECONDS)) {
                if (!fitting.isAlive()) {
                    throw new IllegalStateException("it ended during a step: " + failure, failure);
                }
                if (System.nanoTime() > giveUp) {
                    throw new IllegalStateException(
                            "it has not finished a step within " + GIVE_UP_MINUTES + " minutes");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while waiting for ParallelWrapper", e);
        }
    }

    /** Lets it finish with a last step, which nobody waits for long. */
    @Override
    public void close() {
        rounds.end();
        try {
            fitting.join(TimeUnit.MINUTES.toMillis(1));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Sets OpenMP's count on each worker's own thread, from its second step on. */
    private static final class OneThread extends BaseTrainingListener {
        private final ThreadLocal<Boolean> set = ThreadLocal.withInitial(() -> false);

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            if (!set.get()) {
                OperationThreads.setOfThisThread(OPERATION_THREADS);
                set.set(true);
            }
        }
    }
}
