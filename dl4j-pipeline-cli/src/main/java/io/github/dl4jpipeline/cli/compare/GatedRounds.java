package io.github.dl4jpipeline.cli.compare;

import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.DataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * An endless iterator that gives the same data sets in rounds, and lets its reader into a round only when told. The reader
 * asks for the first data set of a round when it is done with the round before.
 */
final class GatedRounds implements DataSetIterator {
    private static final long serialVersionUID = 1;

    private final transient List<DataSet> round;
    private final Semaphore waiting = new Semaphore(0);
    private final Semaphore admitted = new Semaphore(0);
    private volatile boolean ended;
    private int served;

    GatedRounds(List<DataSet> round) {
        this.round = List.copyOf(round);
    }

    /** The number of data sets in a round. */
    int size() {
        return round.size();
    }

    /** Is released each time that the reader waits for a round. */
    Semaphore waiting() {
        return waiting;
    }

    /** Lets the reader into the next round. */
    void admit() {
        admitted.release();
    }

    /** Lets the reader into a last round, after which there is nothing more. */
    void end() {
        ended = true;
        admitted.release();
    }

    @Override
    public boolean hasNext() {
        return !ended || served % size() != 0;
    }

    @Override
    public DataSet next() {
        int place = served++ % size();
        if (place == 0) {
            waiting.release();
            admitted.acquireUninterruptibly();
        }
        return round.get(place);
    }

    @Override
    public DataSet next(int examples) {
        throw new UnsupportedOperationException("Rounds have data sets of a fixed size");
    }

    @Override
    public boolean resetSupported() {
        return false;
    }

    @Override
    public void reset() {
        throw new UnsupportedOperationException("Rounds do not start again");
    }

    @Override
    public boolean asyncSupported() {
        return false;
    }

    @Override
    public int batch() {
        return round.get(0).numExamples();
    }

    @Override
    public int inputColumns() {
        return round.get(0).numInputs();
    }

    @Override
    public int totalOutcomes() {
        return round.get(0).numOutcomes();
    }

    @Override
    public @Nullable List<String> getLabels() {
        return null;
    }

    @Override
    public void setPreProcessor(@Nullable DataSetPreProcessor value) {
        throw new UnsupportedOperationException("Rounds are not preprocessed");
    }

    @Override
    public @Nullable DataSetPreProcessor getPreProcessor() {
        return null;
    }
}
