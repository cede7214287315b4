package io.github.dl4jpipeline.internal.wire;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One process's place in a group of numbered members, each of which has a connection to every other. The secret of the group, and
 * the length and number of every message, are checked. Every wait has a limit.
 */
public final class Group implements AutoCloseable {
    private final int own;
    private final byte[] secret;
    private final Handler handler;
    private final Limits limits;
    private final Buffers buffers = new Buffers();
    private final Blocks blocks = new Blocks();
    private final ServerSocketChannel server;
    private final Map<Integer, Link> links = new ConcurrentHashMap<>();

    /** Connections that have not proved that they belong here, and when they are given up. */
    private final Map<SocketChannel, Long> strangers = new ConcurrentHashMap<>();

    private volatile boolean closed;
    private volatile @Nullable IOException acceptEnded;

    /**
     * Listens at one address.
     *
     * @param own number of this member
     * @param address where others reach it; not one that stands for all of the machine's
     * @param port 0 for any that is free
     * @throws IOException if it cannot be listened to
     */
    public Group(int own, InetAddress address, int port, byte[] secret, Handler handler, Limits limits)
            throws IOException {
        if (address.isAnyLocalAddress()) {
            throw new IllegalArgumentException(
                    "Listening on all addresses would let in everybody; give the address that the other members reach");
        }
        this.own = own;
        this.secret = secret.clone();
        this.handler = handler;
        this.limits = limits;
        server = ServerSocketChannel.open();
        try {
            server.bind(new InetSocketAddress(address, port));
        } catch (IOException e) {
            server.close();
            throw new IOException(
                    "Cannot listen at " + address.getHostAddress() + ":" + port + ": " + e.getMessage(), e);
        }
        daemon("accept-" + own, this::accept);
        daemon("watch-" + own, this::watch);
    }

    private static void daemon(String name, Runnable work) {
        Thread thread = new Thread(work, "pipeline-" + name);
        thread.setDaemon(true);
        thread.start();
    }

    /** Where this member listens. */
    public InetSocketAddress address() {
        try {
            return (InetSocketAddress) server.getLocalAddress();
        } catch (IOException e) {
            throw new IllegalStateException("This group is closed", e);
        }
    }

    /** Connects to another member. */
    public void connect(int peer, InetSocketAddress address) throws IOException {
        SocketChannel channel = SocketChannel.open();
        strangers.put(channel, System.nanoTime() + limits.connect().toNanos());
        try {
            channel.socket().connect(address, (int) limits.connect().toMillis());
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            Handshake.connect(channel, secret, own, peer);
            add(peer, channel);
        } catch (IOException e) {
            channel.close();
            throw new IOException("Cannot connect to member " + peer + " at " + address + ": " + e.getMessage(), e);
        } finally {
            strangers.remove(channel);
        }
    }

    private void accept() {
        while (!closed) {
            try {
                SocketChannel channel = server.accept();
                strangers.put(channel, System.nanoTime() + limits.connect().toNanos());
                daemon("greet-" + own, () -> greet(channel));
            } catch (IOException e) {
                acceptEnded = e; // who waits for members is told, unless this is closed
                return;
            }
        }
    }

    private void greet(SocketChannel channel) {
        try {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            int peer = Handshake.accept(channel, secret, own);
            add(peer, channel);
        } catch (IOException | RuntimeException e) {
            close(channel); // a stranger; members say themselves what is wrong
        } finally {
            strangers.remove(channel);
        }
    }

    private void add(int peer, SocketChannel channel) throws IOException {
        Link link = new Link(own, peer, channel, this, limits);
        if (closed || links.putIfAbsent(peer, link) != null) {
            throw new IOException("member " + peer + " is connected already");
        }
        link.start();
        synchronized (this) {
            notifyAll();
        }
    }

    /** Waits until other members are connected. */
    public synchronized void awaitConnected(Set<Integer> peers, Duration limit)
            throws IOException, InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        while (!links.keySet().containsAll(peers)) {
            long millis = (end - System.nanoTime()) / 1_000_000;
            if (millis <= 0 || closed) {
                throw new IOException(
                        "Of members " + peers + " only " + links.keySet() + " have connected to member " + own
                                + " within " + limit.toSeconds() + " s",
                        acceptEnded);
            }
            wait(millis);
        }
    }

    /** Gives up members that are silent, and strangers that take too long. */
    private void watch() {
        while (!closed) {
            try {
                Thread.sleep(Math.max(1, limits.heartbeat().toMillis() / 2));
            } catch (InterruptedException e) {
                return;
            }
            links.values().forEach(Link::check);
            long now = System.nanoTime();
            strangers.forEach((channel, end) -> {
                if (now - end > 0) {
                    close(channel);
                }
            });
        }
    }

    /** A buffer for the content of a message, of so many bytes. */
    public ByteBuffer buffer(int bytes) {
        if (bytes > Header.MOST_BYTES) {
            throw new IllegalArgumentException("A message has at most " + Header.MOST_BYTES + " bytes, not " + bytes);
        }
        return buffers.take(bytes);
    }

    /** Sends a message. Its content, from position to limit, is this group's from now on. Returns at once. */
    public void send(int peer, byte type, byte kind, long index, int part, @Nullable ByteBuffer content) {
        Link link = links.get(peer);
        if (link != null) {
            link.offer(new Header(type, kind, index, part, content == null ? 0 : content.remaining()), content);
        }
    }

    /** Gives back the content of a message. */
    public void release(ByteBuffer content) {
        buffers.give(content);
    }

    /**
     * Memory that some members can read where it is, so that it need not be sent; null if none of them can. They are on this machine.
     * It lives as long as its buffer or a reader.
     */
    public @Nullable Block block(long bytes, Set<Integer> readers) throws InterruptedException {
        Set<Integer> near = readers.stream().filter(this::isNear).collect(Collectors.toSet());
        return blocks.make(
                bytes,
                near,
                (peer, number, content) -> send(
                        peer,
                        Header.OFFER,
                        (byte) 0,
                        number,
                        0,
                        buffer(content.length).put(content).flip()),
                this::isNear);
    }

    private boolean isNear(int peer) {
        Link link = links.get(peer);
        return link != null && link.isOpen() && link.isWithinMachine();
    }

    /** A block of another member, for reading. */
    public ByteBuffer blockOf(int peer, int number) throws IOException {
        return blocks.of(peer, number);
    }

    void ofBlocks(int peer, Header header, ByteBuffer content) {
        int number = Math.toIntExact(header.index());
        if (header.type() == Header.OFFER) {
            boolean reads = blocks.open(peer, number, content);
            send(peer, Header.ANSWER, (byte) (reads ? 1 : 0), number, 0, null);
        } else {
            blocks.answered(peer, number, header.kind() == 1);
        }
        release(content);
    }

    Buffers buffers() {
        return buffers;
    }

    void received(int peer, Header header, ByteBuffer content) {
        handler.received(peer, header, content);
    }

    void lost(int peer, String why) {
        if (!closed) {
            handler.lost(peer, why);
        }
    }

    private static void close(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // it is of no use any more
        }
    }

    /** Sends what is queued, and ends all connections. Closing twice has no effect. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            server.close();
        } catch (IOException e) {
            // nobody can connect any more
        }
        strangers.keySet().forEach(Group::close);
        links.values().parallelStream().forEach(Link::close);
        blocks.close();
    }
}
