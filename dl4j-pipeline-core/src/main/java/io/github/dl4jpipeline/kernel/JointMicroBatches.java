package io.github.dl4jpipeline.kernel;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;

/**
 * Micro-batches of a step that run at the same time, each in a thread and in a copy of the graph of its own, and compute some
 * vertices together: batch normalizations, whose statistics are those of all, and large dense layers, whose weights each
 * thread multiplies by a share of. All come to these vertices in the same order, and wait for each other there.
 */
public final class JointMicroBatches implements AutoCloseable {
    private final Map<Integer, JointDense> dense = new LinkedHashMap<>();

    /** By micro-batch, in this step. */
    private final long[] waitedNanos;

    private List<MicroBatch> parts = List.of();
    private long examples;
    private int arrived;
    private int round;
    private boolean stopped;

    JointMicroBatches(int participants) {
        waitedNanos = new long[participants];
    }

    /**
     * Connects the vertices of copies of a graph, of which each runs one micro-batch, in this order.
     *
     * @param normalize whether batch normalizations take their statistics over all micro-batches
     */
    public static JointMicroBatches across(List<GraphReplica> copies, boolean normalize) {
        JointMicroBatches joint = new JointMicroBatches(copies.size());
        for (int position = 0; position < copies.get(0).size(); position++) {
            Object layer = copies.get(0).layer(position);
            if (layer instanceof FastBatchNorm && normalize) {
                joint.connectSums(copies, position);
            } else if (layer instanceof FastDense first && copies.size() > 1 && first.paysJointly(copies.size())) {
                joint.connectDense(copies, position, first);
            }
        }
        return joint;
    }

    private void connectSums(List<GraphReplica> copies, int position) {
        JointSums sums = new JointSums(this, copies.size());
        for (int i = 0; i < copies.size(); i++) {
            ((FastBatchNorm) copies.get(i).layer(position)).join(sums, i);
        }
    }

    private void connectDense(List<GraphReplica> copies, int position, FastDense first) {
        JointDense layer = new JointDense(this, first);
        for (int i = 0; i < copies.size(); i++) {
            ((FastDense) copies.get(i).layer(position)).join(layer, i);
        }
        dense.put(position, layer);
    }

    /** Positions of the vertices for which the threads together write the gradients of all micro-batches, added up. */
    public Set<Integer> summed() {
        return dense.keySet();
    }

    /** Begins a step, of which no thread is running yet. */
    public synchronized void begin(List<MicroBatch> microBatches) {
        parts = microBatches;
        examples = microBatches.stream().mapToLong(MicroBatch::examples).sum();
        arrived = 0;
        stopped = false;
        Arrays.fill(waitedNanos, 0);
        if (microBatches.size() > 1) {
            dense.values().forEach(layer -> layer.reserve(microBatches.size(), examples));
        }
    }

    /** How many micro-batches the step has. */
    int count() {
        return parts.size();
    }

    MicroBatch part(int microBatch) {
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

    /** Bytes of memory in which micro-batches exchange activations and errors. */
    public synchronized long bytes(int position) {
        JointDense layer = dense.get(position);
        return layer == null ? 0 : layer.bytes();
    }

    /** Frees the memory, which the next step allocates again. No thread may be in a step. */
    @Override
    public synchronized void close() {
        dense.values().forEach(JointDense::close);
    }
}
