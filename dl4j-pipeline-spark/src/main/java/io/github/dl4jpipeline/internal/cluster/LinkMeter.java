package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.internal.wire.Group;
import io.github.dl4jpipeline.internal.wire.Handler;
import io.github.dl4jpipeline.internal.wire.Header;
import io.github.dl4jpipeline.internal.wire.Limits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Measures how fast workers send. They stand in a ring, and each sends to the next, all at the same time: first messages without
 * content, one after the other, then some megabytes.
 */
public final class LinkMeter implements AutoCloseable {
    private static final byte PROBE = Header.FIRST_TYPE;
    private static final byte ECHO = PROBE + 1;
    private static final byte DONE = PROBE + 2;

    private static final int ROUND_TRIPS = 30;
    private static final int ROUNDS = 3;
    private static final int MESSAGES = 8;
    private static final int BYTES = 1 << 20;

    private final int worker;
    private final int workers;
    private final Limits limits;
    private final Group group;
    private final BlockingQueue<Byte> heard = new LinkedBlockingQueue<>();
    private volatile @Nullable String lost;

    /**
     * What a worker has measured.
     *
     * @param bytesPerSecond that the next worker has received
     * @param latencyMillis half of the time until an empty message is answered, the shortest of several
     */
    public record Measured(double bytesPerSecond, double latencyMillis) {}

    /** Listens. There are at least two workers. */
    public LinkMeter(int worker, int workers, InetAddress address, byte[] secret, Limits limits) throws IOException {
        this.worker = worker;
        this.workers = workers;
        this.limits = limits;
        this.group = new Group(worker, address, 0, secret, new Incoming(), limits);
    }

    /** Where this worker listens. */
    public InetSocketAddress address() {
        return group.address();
    }

    private int next() {
        return (worker + 1) % workers;
    }

    private int previous() {
        return (worker + workers - 1) % workers;
    }

    /**
     * Measures. All workers do so at the same time.
     *
     * @param addresses of the workers, in their order
     */
    public Measured measure(List<InetSocketAddress> addresses) throws IOException, InterruptedException {
        if (worker + 1 < workers || workers > 2) { // of two, the first connects
            group.connect(next(), addresses.get(next()));
        }
        Set<Integer> neighbours = new HashSet<>(Set.of(next()));
        neighbours.add(previous());
        group.awaitConnected(neighbours, limits.connect());
        double latency = Double.POSITIVE_INFINITY;
        for (int i = 0; i < ROUND_TRIPS; i++) {
            latency = Math.min(latency, millisOf(1, 0) / 2);
        }
        double fastest = 0;
        for (int i = 0; i < ROUNDS; i++) {
            fastest = Math.max(fastest, (double) MESSAGES * BYTES / (millisOf(MESSAGES, BYTES) / 1e3));
        }
        neighbours.forEach(neighbour -> group.send(neighbour, DONE, (byte) 0, 0, 0, null));
        for (int i = 0; i < neighbours.size(); i++) {
            await(DONE);
        }
        return new Measured(fastest, latency);
    }

    /** Time until the last of some messages is answered. */
    private double millisOf(int messages, int bytes) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        for (int i = 0; i < messages; i++) {
            boolean last = i == messages - 1;
            ByteBuffer content = bytes == 0 ? null : group.buffer(bytes);
            group.send(next(), PROBE, (byte) (last ? 1 : 0), 0, 0, content);
        }
        await(ECHO);
        return (System.nanoTime() - begin) / 1e6;
    }

    /** A neighbour may be done while this worker still measures, so that what it says comes before an echo. */
    private void await(byte type) throws IOException, InterruptedException {
        long end = System.nanoTime() + limits.connect().toNanos();
        int others = 0;
        while (System.nanoTime() < end) {
            Byte next = heard.poll(100, TimeUnit.MILLISECONDS);
            if (next != null && next == type) {
                for (int i = 0; i < others; i++) {
                    heard.add(DONE);
                }
                return;
            }
            others += next == null ? 0 : 1;
            if (lost != null) {
                throw new IOException(lost);
            }
        }
        throw new IOException("Worker " + next() + " has not answered within "
                + limits.connect().toSeconds() + " s");
    }

    @Override
    public void close() {
        group.close();
    }

    private final class Incoming implements Handler {
        @Override
        public void received(int peer, Header header, ByteBuffer content) {
            group.release(content);
            if (header.type() == PROBE) {
                if (header.kind() == 1) {
                    group.send(peer, ECHO, (byte) 0, 0, 0, null);
                }
            } else {
                heard.add(header.type());
            }
        }

        @Override
        public void lost(int peer, String why) {
            lost = "worker " + peer + " " + why;
        }
    }
}
