package io.github.dl4jpipeline.execute;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.AsyncMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * The batches of an iterator, read ahead where it allows that. A failure of the iterator reaches the caller, and closing
 * ends the reading thread; Deeplearning4j's own reader would leave its caller waiting.
 */
public final class BatchSource implements AutoCloseable {
    private static final int READ_AHEAD = 2;

    private final Guard guard;
    private final MultiDataSetIterator source;

    public BatchSource(MultiDataSetIterator iterator) {
        guard = new Guard(iterator);
        source = iterator.asyncSupported() ? new AsyncMultiDataSetIterator(guard, READ_AHEAD, true) : iterator;
    }

    /** Whether there is another batch. Throws what the iterator has thrown, after the batches that came before. */
    public boolean hasNext() {
        boolean more = source.hasNext();
        if (!more) {
            guard.rethrow();
        }
        return more;
    }

    public MultiDataSet next() {
        return source.next();
    }

    @Override
    public void close() {
        if (source instanceof AsyncMultiDataSetIterator reader) {
            boolean interrupted = Thread.interrupted(); // shutdown joins the reading thread, and must not give up on it
            reader.shutdown();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Ends the data at the first failure, and keeps the failure. */
    private static final class Guard implements MultiDataSetIterator {
        private static final long serialVersionUID = 1;

        private final transient MultiDataSetIterator iterator;
        private volatile @Nullable Throwable failure;

        Guard(MultiDataSetIterator iterator) {
            this.iterator = iterator;
        }

        void rethrow() {
            Throwable thrown = failure;
            if (thrown instanceof Error error) {
                throw error;
            } else if (thrown instanceof RuntimeException exception) {
                throw exception;
            }
        }

        @Override
        public boolean hasNext() {
            if (failure != null) {
                return false;
            }
            try {
                return iterator.hasNext();
            } catch (RuntimeException | Error e) {
                failure = e;
                return false;
            }
        }

        @Override
        public @Nullable MultiDataSet next() {
            try {
                return iterator.next();
            } catch (RuntimeException | Error e) {
                failure = e;
                return null;
            }
        }

        @Override
        public MultiDataSet next(int examples) {
            return iterator.next(examples);
        }

        @Override
        public void setPreProcessor(MultiDataSetPreProcessor preProcessor) {
            iterator.setPreProcessor(preProcessor);
        }

        @Override
        public MultiDataSetPreProcessor getPreProcessor() {
            return iterator.getPreProcessor();
        }

        @Override
        public boolean resetSupported() {
            return iterator.resetSupported();
        }

        @Override
        public boolean asyncSupported() {
            return iterator.asyncSupported();
        }

        @Override
        public void reset() {
            iterator.reset();
        }
    }
}
