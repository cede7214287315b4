package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.internal.device.Uninterruptibly;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.Iterator;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/** Reads the next batch in a thread of its own while one is trained. One thread asks. */
final class ReadAhead implements AutoCloseable {
    /** Neither has a batch at the end. */
    private record Next(
            @Nullable MicroBatch batch, @Nullable Throwable failure) {
        static final Next END = new Next(null, null);
    }

    private final BlockingQueue<Next> ready = new ArrayBlockingQueue<>(1);
    private final BlockingQueue<MicroBatch> used = new ArrayBlockingQueue<>(1);
    private final Thread reader;
    private @Nullable Next taken;

    /**
     * Begins to read.
     *
     * @param pieces of one worker
     * @param skipped how many are not wanted
     */
    ReadAhead(Iterator<byte[]> pieces, long skipped) {
        reader = new Thread(() -> read(pieces, skipped), "pipeline-read-ahead");
        reader.setDaemon(true);
        reader.start();
    }

    private void read(Iterator<byte[]> pieces, long skipped) {
        try {
            try {
                for (long i = 0; i < skipped && pieces.hasNext(); i++) {
                    pieces.next();
                }
                while (pieces.hasNext()) {
                    put(new Next(BatchPiece.read(pieces.next(), used.poll()), null));
                }
                put(Next.END);
            } catch (RuntimeException | Error e) {
                put(new Next(null, e));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody wants more
        }
    }

    private void put(Next next) throws InterruptedException {
        try {
            ready.put(next);
        } catch (InterruptedException e) {
            if (next.batch() != null) {
                BatchPiece.close(next.batch());
            }
            throw e;
        }
    }

    /** Waits until it is known whether there is another batch. */
    boolean hasNext() {
        Next next = peek();
        return next.batch() != null || next.failure() != null;
    }

    /**
     * The next batch, for {@link #giveBack} or {@link BatchPiece#close}.
     *
     * @throws IllegalArgumentException if it cannot be trained
     */
    MicroBatch next() {
        Next next = peek();
        if (next.failure() instanceof Error error) {
            throw error;
        }
        if (next.failure() instanceof RuntimeException failure) {
            throw failure;
        }
        if (next.batch() == null) {
            throw new IllegalStateException("There is no other batch");
        }
        taken = null;
        return next.batch();
    }

    /** Takes a batch that nobody uses any more, for the arrays of a later one. */
    void giveBack(MicroBatch batch) {
        if (!used.offer(batch)) {
            BatchPiece.close(batch);
        }
    }

    private Next peek() {
        if (taken == null) {
            try {
                taken = ready.take();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PeerFailure("interrupted while waiting for a batch");
            }
        }
        return taken;
    }

    /** Ends reading, and frees what nobody has asked for. */
    @Override
    public void close() {
        reader.interrupt();
        Uninterruptibly.join(reader);
        free(taken);
        free(ready.poll());
        MicroBatch last = used.poll();
        if (last != null) {
            BatchPiece.close(last);
        }
    }

    private static void free(@Nullable Next next) {
        if (next != null && next.batch() != null) {
            BatchPiece.close(next.batch());
        }
    }
}
