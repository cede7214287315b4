package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.internal.stage.Peers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What has arrived and has not been taken. */
final class Mailbox {
    private static final long CHECK_MILLIS = 200;

    private record Key(int from, Peers.Name name) {}

    private final Map<Key, Queue<Optional<ByteBuffer>>> arrived = new HashMap<>();
    private final Duration limit;
    private final Supplier<Boolean> stop;
    private @Nullable String failure;
    private long stored = -1;

    /**
     * @param limit of every wait
     * @param stop whether this process has been told to stop
     */
    Mailbox(Duration limit, Supplier<Boolean> stop) {
        this.limit = limit;
        this.stop = stop;
    }

    synchronized void put(int from, Peers.Name name, @Nullable ByteBuffer content) {
        arrived.computeIfAbsent(new Key(from, name), key -> new ArrayDeque<>()).add(Optional.ofNullable(content));
        notifyAll();
    }

    /** Waits for an array. Empty if the sender has said that there is none. */
    synchronized Optional<ByteBuffer> take(int from, Peers.Name name) {
        Key key = new Key(from, name);
        await(() -> arrived.containsKey(key), () -> name + " of member " + from);
        Queue<Optional<ByteBuffer>> queue = arrived.get(key);
        Optional<ByteBuffer> first = queue.remove();
        if (queue.isEmpty()) {
            arrived.remove(key);
        }
        return first;
    }

    synchronized void stored(long iteration) {
        stored = iteration;
        notifyAll();
    }

    /** Waits until the host has everybody's arrays of an iteration. */
    synchronized void awaitStored(long iteration) {
        await(() -> stored >= iteration, () -> "the checkpoint of step " + iteration);
    }

    private void await(Supplier<Boolean> done, Supplier<String> what) {
        long end = System.nanoTime() + limit.toNanos();
        while (!done.get()) {
            if (failure != null) {
                throw new PeerFailure(failure);
            }
            if (stop.get()) {
                throw new PeerFailure("this worker has been told to stop");
            }
            if (System.nanoTime() - end > 0) {
                throw new IllegalStateException("Waited in vain for " + what.get() + " for " + limit);
            }
            try {
                wait(CHECK_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PeerFailure("interrupted while waiting for " + what.get());
            }
        }
    }

    /** Ends every wait; the first failure is kept. */
    synchronized void fail(String text) {
        if (failure == null) {
            failure = text;
        }
        notifyAll();
    }

    synchronized @Nullable String failure() {
        return failure;
    }
}
