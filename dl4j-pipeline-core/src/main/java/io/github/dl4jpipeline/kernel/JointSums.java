package io.github.dl4jpipeline.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * The sums that one batch normalization takes over a batch whose micro-batches run at the same time, each in a thread of its
 * own: each brings the sum over its examples, waits for the others, and goes on with the sum over all, added in the order
 * of the micro-batches.
 */
public final class JointSums {
    /** By round, even or odd, and micro-batch. Nobody is two rounds ahead of another, who may still read. */
    private final double[][][] brought;

    /** By micro-batch, in this step. */
    private final long[] waitedNanos;

    private List<MicroBatch> parts = List.of();
    private double examples;
    private int arrived;
    private int round;
    private boolean stopped;

    JointSums(int participants) {
        brought = new double[2][participants][];
        waitedNanos = new long[participants];
    }

    /** Connects the batch normalizations of copies of a graph, of which each runs one micro-batch, in this order. */
    public static List<JointSums> across(List<GraphReplica> copies) {
        List<JointSums> all = new ArrayList<>();
        for (int position = 0; position < copies.get(0).size(); position++) {
            if (copies.get(0).layer(position) instanceof FastBatchNorm) {
                JointSums sums = new JointSums(copies.size());
                for (int i = 0; i < copies.size(); i++) {
                    ((FastBatchNorm) copies.get(i).layer(position)).join(sums, i);
                }
                all.add(sums);
            }
        }
        return all;
    }

    /** Begins a step, of which no thread is running yet. */
    public synchronized void begin(List<MicroBatch> microBatches) {
        parts = microBatches;
        examples = microBatches.stream().mapToLong(MicroBatch::examples).sum();
        arrived = 0;
        stopped = false;
        Arrays.fill(waitedNanos, 0);
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

    /** How much of the batch a micro-batch is. */
    double share(int microBatch) {
        return parts.get(microBatch).examples() / examples;
    }

    /** The sum over the batch, by channel, of which a micro-batch brings its own. */
    double[] join(int microBatch, double[] sum) {
        if (parts.size() == 1) {
            return sum;
        }
        double[][] all = brought[bring(microBatch, sum)];
        double[] joined = new double[sum.length];
        for (int part = 0; part < parts.size(); part++) {
            for (int i = 0; i < joined.length; i++) {
                joined[i] += all[part][i];
            }
        }
        return joined;
    }

    private synchronized int bring(int microBatch, double[] sum) {
        int current = round;
        brought[current][microBatch] = sum;
        arrived++;
        if (arrived == parts.size()) {
            arrived = 0;
            round = 1 - current;
            notifyAll();
        }
        long start = System.nanoTime();
        awaitEndOf(current);
        waitedNanos[microBatch] += System.nanoTime() - start;
        return current;
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
}
