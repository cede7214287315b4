package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.exception.PipelineException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.AsyncMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * The batches of an iterator, read ahead where it allows that. A failure of the iterator reaches the caller after all batches
 * that came before, with the iterator's name and the batch's number. Closing ends the reading thread; Deeplearning4j's own
 * reader would leave its caller waiting.
 */
public final class BatchSource implements AutoCloseable {
    private static final int READ_AHEAD = 2;

    private final String name;
    private final Guard guard;
    private final LiveQueue queue = new LiveQueue();
    private @Nullable MultiDataSetIterator source;
    private int given;

    /**
     * Resets the iterator if it is at its end. Reading begins with {@link #hasNext}.
     *
     * @param name of the iterator, for errors
     * @param check throws {@link IllegalArgumentException} if a batch cannot be trained
     * @throws PipelineException if the iterator fails
     */
    public BatchSource(MultiDataSetIterator iterator, String name, Consumer<MultiDataSet> check) {
        this.name = name;
        this.guard = new Guard(iterator, check);
        try {
            if (!iterator.hasNext() && iterator.resetSupported()) {
                iterator.reset();
            }
        } catch (RuntimeException | Error e) {
            throw failed(0, e);
        }
    }

    /**
     * Whether there is another batch.
     *
     * @throws PipelineException if the iterator has failed, after the batches that came before
     */
    public boolean hasNext() {
        boolean more = hasNextOfSource();
        if (!more) {
            rethrow();
        }
        return more;
    }

    private boolean hasNextOfSource() {
        try {
            if (source == null) {
                source = guard.asyncSupported() ? new AsyncMultiDataSetIterator(guard, READ_AHEAD, queue, true) : guard;
            }
            return source.hasNext();
        } catch (RuntimeException | Error e) { // not of the iterator, which is guarded
            if (e.getCause() instanceof InterruptedException interrupt) {
                Thread.currentThread().interrupt();
                throw new PipelineException("Interrupted while waiting for batch " + given + " of " + name, interrupt);
            }
            throw failed(given, e);
        }
    }

    /** The next batch, after {@link #hasNext}. */
    public MultiDataSet next() {
        MultiDataSet batch = source == null ? null : source.next();
        if (batch == null) {
            rethrow();
            throw new IllegalStateException("There is no other batch");
        }
        given++;
        return batch;
    }

    /** What the caller sees if the step fails with the batch that was given last. */
    public PipelineException withBatch(PipelineException ofStep) {
        return new PipelineException(ofStep.getMessage() + place(given - 1), ofStep.getCause());
    }

    private String place(int batch) {
        return " (batch " + batch + " of " + name + ", counted from 0)";
    }

    private void rethrow() {
        Throwable failure = guard.failure;
        if (failure != null) {
            throw failed(guard.read, failure);
        }
    }

    private PipelineException failed(int batch, Throwable cause) {
        String message = "The training data cannot be read" + place(batch) + ": " + cause;
        if (cause instanceof OutOfMemoryError) {
            OutOfMemoryError error = new OutOfMemoryError(message); // stays what it is, as in a step
            error.initCause(cause);
            throw error;
        }
        return new PipelineException(message, cause);
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

    /** Lets no reader wait for a thread that has died, for lack of memory, say. */
    private final class LiveQueue extends LinkedBlockingQueue<MultiDataSet> {
        private static final long serialVersionUID = 1;

        LiveQueue() {
            super(READ_AHEAD);
        }

        @Override
        public MultiDataSet take() throws InterruptedException {
            while (true) {
                boolean ended = guard.reader != null && !guard.reader.isAlive();
                MultiDataSet next = poll(ended ? 0 : 1, TimeUnit.SECONDS);
                if (next != null) {
                    return next;
                }
                if (ended) {
                    throw new IllegalStateException("The thread that reads ahead has died");
                }
            }
        }
    }

    /** Ends the data at the first failure, and keeps the failure. */
    private static final class Guard implements MultiDataSetIterator {
        private static final long serialVersionUID = 1;

        private final transient MultiDataSetIterator iterator;
        private final transient Consumer<MultiDataSet> check;
        private transient volatile @Nullable Thread reader;
        private transient volatile @Nullable Throwable failure;

        /** How many batches have been read; after {@link #failure} is set, the number of the one that failed. */
        private int read;

        Guard(MultiDataSetIterator iterator, Consumer<MultiDataSet> check) {
            this.iterator = iterator;
            this.check = check;
        }

        @Override
        public boolean hasNext() {
            reader = Thread.currentThread();
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
                MultiDataSet batch = iterator.next();
                if (batch == null) {
                    throw new IllegalStateException("next() has returned null after hasNext() was true");
                }
                check.accept(batch);
                read++;
                return batch;
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
