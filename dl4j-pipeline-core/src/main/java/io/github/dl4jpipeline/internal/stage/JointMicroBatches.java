package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.layers.FastBatchNorm;
import io.github.dl4jpipeline.internal.layers.FastDense;
import io.github.dl4jpipeline.internal.layers.JointDense;
import io.github.dl4jpipeline.internal.layers.JointSums;
import io.github.dl4jpipeline.internal.layers.MicroBatchBarrier;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.jspecify.annotations.Nullable;

/**
 * Micro-batches of a step that run at the same time and compute some vertices together. Each has its own thread and
 * copy of the graph. Common vertices are batch normalizations, which take the statistics of all, and large dense
 * layers, of whose weights each thread takes a share. All come to these vertices in the same order, and wait for each
 * other there.
 */
public final class JointMicroBatches implements AutoCloseable {
    private final Map<Integer, JointDense> dense = new LinkedHashMap<>();

    private final MicroBatchBarrier barrier;

    private JointMicroBatches(int participants) {
        barrier = new MicroBatchBarrier(participants);
    }

    /**
     * Whether micro-batches compute a layer together.
     *
     * @param count how many micro-batches
     * @param normalize whether batch normalizations take their statistics over all micro-batches
     */
    public static boolean joins(@Nullable Layer layer, int count, boolean normalize) {
        return (layer instanceof FastBatchNorm && normalize) || joinsWeights(layer, count);
    }

    /** Whether micro-batches share out the weights of a layer. */
    public static boolean joinsWeights(@Nullable Layer layer, int count) {
        return layer instanceof FastDense dense && count > 1 && dense.paysJointly(count);
    }

    /**
     * Connects the vertices of copies of a graph, of which each runs one micro-batch, in this order.
     *
     * @param normalize whether batch normalizations take their statistics over all micro-batches
     */
    public static JointMicroBatches across(List<GraphCopy> copies, boolean normalize) {
        JointMicroBatches joint = new JointMicroBatches(copies.size());
        for (int position = 0; position < copies.get(0).size(); position++) {
            Layer layer = copies.get(0).layer(position);
            if (!joins(layer, copies.size(), normalize)) {
                continue;
            }
            if (layer instanceof FastDense first) {
                joint.connectDense(copies, position, first);
            } else {
                joint.connectSums(copies, position);
            }
        }
        return joint;
    }

    private void connectSums(List<GraphCopy> copies, int position) {
        JointSums sums = new JointSums(barrier, copies.size());
        for (int i = 0; i < copies.size(); i++) {
            copies.get(i).runner(position).join(sums, i);
        }
    }

    private void connectDense(List<GraphCopy> copies, int position, FastDense first) {
        JointDense layer = new JointDense(barrier, first.getParam(DefaultParamInitializer.WEIGHT_KEY));
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
        barrier.begin(microBatches.stream().map(MicroBatch::range).toList());
        if (microBatches.size() > 1) {
            long examples =
                    microBatches.stream().mapToLong(MicroBatch::examples).sum();
            dense.values().forEach(layer -> layer.reserve(microBatches.size(), examples));
        }
    }

    /** How long a micro-batch has waited for the others in this step. */
    public long waitedNanos(int microBatch) {
        return barrier.waitedNanos(microBatch);
    }

    /** Lets the threads that wait leave with a {@link java.util.concurrent.CancellationException}, and those that come. */
    public void stop() {
        barrier.stop();
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
