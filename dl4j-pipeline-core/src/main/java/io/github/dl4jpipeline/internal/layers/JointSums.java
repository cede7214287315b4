package io.github.dl4jpipeline.internal.layers;

/**
 * The sums that one batch normalization takes over a batch whose micro-batches run at the same time. Each micro-batch
 * brings the sum over its examples, waits for the others, and goes on with the sum over all. The sums are added in
 * the order of the micro-batches.
 */
public final class JointSums {
    private final MicroBatchBarrier together;

    /** By round, even or odd, and micro-batch. Nobody is two rounds ahead of another, who may still read. */
    private final double[][][] brought;

    public JointSums(MicroBatchBarrier together, int participants) {
        this.together = together;
        brought = new double[2][participants][];
    }

    /** How much of the batch a micro-batch is. */
    public double share(int microBatch) {
        return (double) together.part(microBatch).size() / together.examples();
    }

    /** The sum over the batch, by channel, of which a micro-batch brings its own. */
    public double[] join(int microBatch, double[] sum) {
        if (together.count() == 1) {
            return sum;
        }
        double[][] all = brought[together.round()];
        all[microBatch] = sum;
        together.await(microBatch);
        double[] joined = new double[sum.length];
        for (int part = 0; part < together.count(); part++) {
            for (int i = 0; i < joined.length; i++) {
                joined[i] += all[part][i];
            }
        }
        return joined;
    }
}
