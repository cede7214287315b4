package io.github.dl4jpipeline.cli.data;

import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.DataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * Batches of examples in memory. The last batch of an epoch has what is left.
 *
 * <p>The order of a shuffled epoch follows from seed and epoch alone, so that a run that is resumed sees the batches that
 * it would have seen.
 */
public abstract class ExampleBatches implements DataSetIterator {
    private static final long serialVersionUID = 1;

    /** Any odd number keeps neighbouring seeds and epochs apart; this is 2^64 divided by the golden ratio. */
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    private final int examples;
    private final int batch;
    private final transient OptionalLong seed;
    private int[] order;
    private int position;
    private transient @Nullable DataSetPreProcessor preProcessor;

    /**
     * Batches that begin with those of epoch 0.
     *
     * @param examples number of examples
     * @param seed of the order of each epoch; empty for the order of the examples
     */
    ExampleBatches(int examples, int batch, OptionalLong seed) {
        this.examples = examples;
        this.batch = batch;
        this.seed = seed;
        this.order = order(0);
    }

    /** The batch of these examples. */
    abstract DataSet batchOf(int[] chosen);

    /** Goes to the first batch of an epoch, counted from 0. */
    public final void startEpoch(int epoch) {
        position = 0;
        order = order(epoch);
    }

    private int[] order(int epoch) {
        return seed.isPresent()
                ? shuffledOrder(examples, new SplittableRandom(seed.getAsLong() + SPREAD * epoch))
                : IntStream.range(0, examples).toArray();
    }

    /** Fisher and Yates. */
    private static int[] shuffledOrder(int size, SplittableRandom random) {
        int[] order = IntStream.range(0, size).toArray();
        for (int i = size - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[other];
            order[other] = swapped;
        }
        return order;
    }

    /** The number of batches of an epoch. */
    public final int batches() {
        return (examples + batch - 1) / batch;
    }

    @Override
    public boolean hasNext() {
        return position < examples;
    }

    @Override
    public DataSet next() {
        return next(batch);
    }

    @Override
    public DataSet next(int count) {
        if (!hasNext()) {
            throw new NoSuchElementException("The epoch has ended after " + examples + " examples");
        }
        int size = Math.min(count, examples - position);
        DataSet data = batchOf(Arrays.copyOfRange(order, position, position + size));
        position += size;
        if (preProcessor != null) {
            preProcessor.preProcess(data);
        }
        return data;
    }

    /** Goes back to the first batch of the same epoch. */
    @Override
    public void reset() {
        position = 0;
    }

    @Override
    public boolean resetSupported() {
        return true;
    }

    @Override
    public boolean asyncSupported() {
        return true;
    }

    @Override
    public int batch() {
        return batch;
    }

    @Override
    public @Nullable List<String> getLabels() {
        return null;
    }

    @Override
    public void setPreProcessor(@Nullable DataSetPreProcessor value) {
        preProcessor = value;
    }

    @Override
    public @Nullable DataSetPreProcessor getPreProcessor() {
        return preProcessor;
    }
}
