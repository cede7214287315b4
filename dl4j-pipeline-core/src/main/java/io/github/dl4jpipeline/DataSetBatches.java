package io.github.dl4jpipeline;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/** The batches of an iterator for graphs with one input and one output, also those that it lacks. */
final class DataSetBatches extends MultiDataSetIteratorAdapter {
    private static final long serialVersionUID = 1;

    private final transient DataSetIterator iterator;

    DataSetBatches(DataSetIterator iterator) {
        super(iterator);
        this.iterator = iterator;
    }

    @Override
    public @Nullable MultiDataSet next() {
        DataSet batch = iterator.next();
        return batch == null ? null : batch.toMultiDataSet();
    }
}
