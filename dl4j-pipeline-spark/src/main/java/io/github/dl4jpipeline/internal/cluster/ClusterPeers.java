package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.internal.stage.Peers;
import io.github.dl4jpipeline.internal.wire.Block;
import io.github.dl4jpipeline.internal.wire.Group;
import io.github.dl4jpipeline.internal.wire.Handler;
import io.github.dl4jpipeline.internal.wire.Header;
import io.github.dl4jpipeline.internal.wire.Limits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A worker's connections to the other workers and the host. */
public final class ClusterPeers implements Peers, AutoCloseable {
    private final int worker;
    private final Mailbox mailbox;
    private final Group group;
    private final List<Block> blocks = new CopyOnWriteArrayList<>();
    private volatile Members members = new Members(List.of());

    /**
     * Listens, without being connected to anybody.
     *
     * @param limit of every wait for another worker
     * @param stop whether this worker has been told to stop; asked several times a second
     */
    public ClusterPeers(
            int worker, InetAddress address, byte[] secret, Limits limits, Duration limit, Supplier<Boolean> stop)
            throws IOException {
        this.worker = worker;
        this.mailbox = new Mailbox(limit, stop);
        this.group = new Group(worker, address, 0, secret, new Incoming(), limits);
    }

    /** Where this worker listens. */
    public InetSocketAddress address() {
        return group.address();
    }

    /**
     * Connects to the host and to all other workers.
     *
     * @param names of the workers, for messages
     * @param workers their addresses
     */
    public void connect(List<WorkerName> names, List<InetSocketAddress> workers, InetSocketAddress host, Duration limit)
            throws IOException, InterruptedException {
        members = new Members(names);
        group.connect(members.host(), host);
        byte[] hello = names.get(worker).bytes();
        group.send(
                members.host(),
                Message.HELLO,
                (byte) 0,
                0,
                0,
                group.buffer(hello.length).put(hello).flip());
        for (int other = 0; other < worker; other++) {
            group.connect(other, workers.get(other));
        }
        Set<Integer> later = IntStream.range(worker + 1, workers.size()).boxed().collect(Collectors.toSet());
        group.awaitConnected(later, limit);
    }

    @Override
    public int worker() {
        return worker;
    }

    @Override
    public void send(int to, Name name, @Nullable INDArray array) {
        requireNoFailure();
        byte kind = name.kind().code();
        if (array == null) {
            group.send(to, Message.NONE, kind, name.index(), name.microBatch(), null);
        } else {
            group.send(to, Message.ARRAY, kind, name.index(), name.microBatch(), Arrays.write(group, array));
        }
    }

    @Override
    public INDArray lendable(DataType type, long length, Set<Integer> readers) {
        Block block;
        try {
            block = group.block(length * type.width(), readers);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PeerFailure("interrupted while waiting for those who read an array");
        }
        if (block == null) {
            return Nd4j.create(type, length);
        }
        blocks.add(block);
        return Arrays.vector(block.memory(), type, length);
    }

    @Override
    public void lend(int to, Name name, INDArray vector) {
        for (Block block : blocks) {
            if (block.readers().contains(to) && Arrays.isIn(vector, block)) {
                requireNoFailure();
                ByteBuffer content = Arrays.lent(group, vector, block);
                group.send(to, Message.ARRAY, name.kind().code(), name.index(), name.microBatch(), content);
                return;
            }
        }
        send(to, name, vector);
    }

    private ByteBuffer blockOf(int peer, int number) {
        try {
            return group.blockOf(peer, number);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read what " + members.name(peer) + " has lent", e);
        }
    }

    private void requireNoFailure() {
        String failure = mailbox.failure();
        if (failure != null) {
            throw new PeerFailure(failure);
        }
    }

    @Override
    public @Nullable INDArray receive(int from, Name name) {
        Optional<ByteBuffer> content = mailbox.take(from, name);
        if (content.isEmpty()) {
            return null;
        }
        INDArray array = Arrays.read(content.get());
        group.release(content.get());
        return array;
    }

    @Override
    public void receive(int from, Name name, Consumer<INDArray> use) {
        ByteBuffer content = mailbox.take(from, name)
                .orElseThrow(() -> new IllegalStateException(members.name(from) + " has sent nothing as " + name));
        try (INDArray vector = Arrays.vector(content, number -> blockOf(from, number))) {
            use.accept(vector);
        }
        group.release(content);
    }

    @Override
    public void load(Name name, INDArray own) {
        ByteBuffer length = group.buffer(8).putLong(own.length()).flip();
        group.send(members.host(), Message.LOAD, name.kind().code(), name.index(), 0, length);
        INDArray received = receive(members.host(), name);
        if (received == null || received.length() != own.length()) {
            throw new IllegalStateException("The driver has sent something else than " + name);
        }
        own.assign(received);
        received.close();
    }

    @Override
    public void store(Name name, INDArray own) {
        requireNoFailure();
        group.send(members.host(), Message.STORE, name.kind().code(), name.index(), 0, Arrays.write(group, own));
    }

    /** Says that everything has been stored that belongs to a checkpoint, and whether it is the last. */
    void stored(Progress progress, boolean last) {
        ByteBuffer content = group.buffer(Progress.BYTES);
        progress.write(content);
        group.send(members.host(), Message.STORED, (byte) (last ? 1 : 0), progress.iteration(), 0, content.flip());
    }

    /** Waits until the host has everybody's. */
    void awaitStored(long iteration) {
        mailbox.awaitStored(iteration);
    }

    /** Tells the host that a step is done. */
    void stepDone(long iteration, int epoch, double score) {
        ByteBuffer content = group.buffer(12).putDouble(score).putInt(epoch).flip();
        group.send(members.host(), Message.STEP, (byte) 0, iteration, 0, content);
    }

    /** Tells everybody that this worker has failed, and whether it was the first as far as it knows. */
    public void failed(String text, boolean first) {
        mailbox.fail(text);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int member = 0; member <= members.host(); member++) {
            if (member != worker) {
                ByteBuffer content = group.buffer(bytes.length).put(bytes).flip();
                group.send(member, Message.FAILED, (byte) (first ? 1 : 0), 0, 0, content);
            }
        }
    }

    /** Whether a failure follows from that of another worker. */
    public static boolean isOfPeer(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof PeerFailure) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void close() {
        group.close();
    }

    private final class Incoming implements Handler {
        @Override
        public void received(int peer, Header header, ByteBuffer content) {
            switch (header.type()) {
                case Message.ARRAY -> mailbox.put(peer, name(header), content);
                case Message.NONE -> {
                    group.release(content);
                    mailbox.put(peer, name(header), null);
                }
                case Message.STORED -> {
                    group.release(content);
                    mailbox.stored(header.index());
                }
                case Message.FAILED -> {
                    mailbox.fail(members.name(peer) + " has failed: " + StandardCharsets.UTF_8.decode(content));
                    group.release(content);
                }
                default -> throw new IllegalArgumentException("message of type " + header.type());
            }
        }

        private Name name(Header header) {
            return new Name(Kind.of(header.kind()), header.index(), header.part());
        }

        @Override
        public void lost(int peer, String why) {
            mailbox.fail(members.name(peer) + " " + why);
        }
    }
}
