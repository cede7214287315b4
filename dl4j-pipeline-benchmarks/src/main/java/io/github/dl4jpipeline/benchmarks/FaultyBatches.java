package io.github.dl4jpipeline.benchmarks;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** Gives one batch, and then whatever a fault does instead of giving a second. */
final class FaultyBatches implements MultiDataSetIterator {
    private static final long serialVersionUID = 1;

    private final transient MultiDataSet batch;
    private final transient Supplier<@Nullable MultiDataSet> second;
    private final boolean readAhead;
    private int given;

    FaultyBatches(MultiDataSet batch, Supplier<@Nullable MultiDataSet> second, boolean readAhead) {
        this.batch = batch;
        this.second = second;
        this.readAhead = readAhead;
    }

    @Override
    public boolean hasNext() {
        return true;
    }

    @Override
    public @Nullable MultiDataSet next() {
        return given++ == 0 ? batch.copy() : second.get();
    }

    @Override
    public MultiDataSet next(int examples) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void setPreProcessor(MultiDataSetPreProcessor preProcessor) {}

    @Override
    public @Nullable MultiDataSetPreProcessor getPreProcessor() {
        return null;
    }

    @Override
    public boolean resetSupported() {
        return false;
    }

    @Override
    public boolean asyncSupported() {
        return readAhead;
    }

    @Override
    public void reset() {}
}
