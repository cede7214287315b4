package io.github.dl4jpipeline.execute;

import io.github.dl4jpipeline.kernel.Moments;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The update of one batch normalization's running statistics from those of the micro-batches.
 *
 * <p>Deeplearning4j passes the change of the running mean and variance along with the gradients. These changes do not
 * add up over micro-batches: the variance of a batch is the mean of its parts' variances plus the variance of their
 * means, and the stored parameter may be a logarithm of it. So the statistics are joined first.
 */
final class RunningStatistics {
    private final BatchNormalization layer;
    private double examples;
    private @Nullable INDArray meanSum;
    private @Nullable INDArray squareSum;

    /** @param layer holds the parameters, shared by all replicas */
    RunningStatistics(BatchNormalization layer) {
        this.layer = layer;
    }

    /** Begins a new step. */
    void clear() {
        examples = 0;
        meanSum = null;
        squareSum = null;
    }

    /** Adds the statistics of a micro-batch. */
    void add(Moments moments, long examplesOfMicroBatch) {
        INDArray square = moments.mean().mul(moments.mean()).addi(moments.variance());
        add(moments.mean().mul(examplesOfMicroBatch), square.muli(examplesOfMicroBatch), (double) examplesOfMicroBatch);
    }

    /**
     * Adds the statistics of another replica's micro-batches, if it has had any.
     *
     * @param fetch makes an array of the other replica usable here
     */
    void add(RunningStatistics other, UnaryOperator<INDArray> fetch) {
        if (other.meanSum != null && other.squareSum != null) {
            add(fetch.apply(other.meanSum), fetch.apply(other.squareSum), other.examples);
        }
    }

    private void add(INDArray means, INDArray squares, double examplesOfThem) {
        if (meanSum == null || squareSum == null) {
            meanSum = means;
            squareSum = squares;
        } else {
            meanSum.addi(means);
            squareSum.addi(squares);
        }
        examples += examplesOfThem;
    }

    /** Writes the change over the micro-batches added so far, if any, into the layer's gradient views. */
    void write(Map<String, INDArray> gradients) {
        if (meanSum == null || squareSum == null) {
            return;
        }
        INDArray mean = meanSum.div(examples);
        INDArray variance = squareSum.div(examples).subi(mean.mul(mean));
        new Moments(mean, variance).writeChanges(layer, gradients);
    }
}
