package io.github.dl4jpipeline.internal.layers;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * Where the micro-batches of a step that run at the same time wait for each other, each in a thread of its own. All come to the
 * same places in the same order.
 */
public final class MicroBatchBarrier {
    /** By micro-batch, in this step. */
    private final long[] waitedNanos;

    private List<Rows.Range> parts = List.of();
    private long examples;
    private int arrived;
    private int round;
    private boolean stopped;

    /** @param participants the most micro-batches of a step */
    public MicroBatchBarrier(int participants) {
        waitedNanos = new long[participants];
    }

    /** Begins a step, of which no thread is running yet. */
    public synchronized void begin(List<Rows.Range> microBatches) {
        parts = microBatches;
        examples = microBatches.stream().mapToLong(Rows.Range::size).sum();
        arrived = 0;
        stopped = false;
        Arrays.fill(waitedNanos, 0);
    }

    /** How many micro-batches the step has. */
    int count() {
        return parts.size();
    }

    /** The examples of a micro-batch. */
    Rows.Range part(int microBatch) {
        return parts.get(microBatch);
    }

    /** How many examples all have. */
    long examples() {
        return examples;
    }

    /** The number of the next {@link #await}, even or odd: nobody is two ahead of another. */
    synchronized int round() {
        return round;
    }

    /** Waits until all micro-batches have come here. What each has written before, all can read after. */
    synchronized void await(int microBatch) {
        int current = round;
        arrived++;
        if (arrived == parts.size()) {
            arrived = 0;
            round = 1 - current;
            notifyAll();
        }
        long start = System.nanoTime();
        awaitEndOf(current);
        waitedNanos[microBatch] += System.nanoTime() - start;
    }

    private void awaitEndOf(int current) {
        try {
            while (round == current && !stopped) {
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("Interrupted while waiting for the other micro-batches");
        }
        if (stopped) {
            throw new CancellationException("The step has been stopped");
        }
    }

    /** How long a micro-batch has waited for the others in this step. */
    public synchronized long waitedNanos(int microBatch) {
        return waitedNanos[microBatch];
    }

    /** Lets the threads that wait leave with a {@link CancellationException}, and those that come. */
    public synchronized void stop() {
        stopped = true;
        notifyAll();
    }
}
