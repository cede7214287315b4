package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.internal.layers.Moments;
import java.util.Map;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The update of one batch normalization's running statistics from those of the micro-batches.
 *
 * <p>Deeplearning4j passes the change of the running mean and variance along with the gradients. These changes do not
 * add up over micro-batches, so the statistics are joined first. The variance of a batch is the mean of its parts'
 * variances plus the variance of their means. The stored parameter may be a logarithm of it.
 */
final class RunningStatistics {
    private final BatchNormalization layer;
    private double examples;
    private double[] meanSum = {};
    private double[] squareSum = {};

    /** @param layer holds the parameters, which all copies share */
    RunningStatistics(BatchNormalization layer) {
        this.layer = layer;
    }

    /** Begins a new step. */
    void clear() {
        examples = 0;
    }

    /** Adds the statistics of a micro-batch. */
    void add(Moments moments, long examplesOfMicroBatch) {
        double[] mean = moments.mean();
        double[] means = new double[mean.length];
        double[] squares = new double[mean.length];
        for (int i = 0; i < mean.length; i++) {
            means[i] = examplesOfMicroBatch * mean[i];
            squares[i] = examplesOfMicroBatch * (mean[i] * mean[i] + moments.variance()[i]);
        }
        add(means, squares, (double) examplesOfMicroBatch);
    }

    /** Adds the statistics of another replica's micro-batches, if it has had any. */
    void add(RunningStatistics other) {
        if (other.examples > 0) {
            add(other.meanSum.clone(), other.squareSum.clone(), other.examples);
        }
    }

    private void add(double[] means, double[] squares, double examplesOfThem) {
        if (examples == 0) {
            meanSum = means;
            squareSum = squares;
        } else {
            for (int i = 0; i < means.length; i++) {
                meanSum[i] += means[i];
                squareSum[i] += squares[i];
            }
        }
        examples += examplesOfThem;
    }

    /** Writes the change over the micro-batches added so far, if any, into the layer's gradient views. */
    void write(Map<String, INDArray> gradients) {
        if (examples == 0) {
            return;
        }
        double[] mean = new double[meanSum.length];
        double[] variance = new double[meanSum.length];
        for (int i = 0; i < mean.length; i++) {
            mean[i] = meanSum[i] / examples;
            variance[i] = squareSum[i] / examples - mean[i] * mean[i];
        }
        new Moments(mean, variance).writeChanges(layer, gradients);
    }
}
