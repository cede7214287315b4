package io.github.dl4jpipeline.internal.wire;

import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A connection to one other member, with a thread that sends and one that receives. */
final class Link {
    private record Outgoing(Header header, @Nullable ByteBuffer content) {}

    private final int peer;
    private final SocketChannel channel;
    private final Group group;
    private final Limits limits;
    private final BlockingQueue<Outgoing> queue = new LinkedBlockingQueue<>();
    private final Thread sender;
    private final Thread receiver;
    private volatile long heardNanos = System.nanoTime();
    private volatile boolean ended;
    private volatile boolean saidBye;

    Link(int own, int peer, SocketChannel channel, Group group, Limits limits) {
        this.peer = peer;
        this.channel = channel;
        this.group = group;
        this.limits = limits;
        sender = thread("send-" + own + "-to-" + peer, this::send);
        receiver = thread("receive-" + own + "-from-" + peer, this::receive);
    }

    private static Thread thread(String name, Runnable work) {
        Thread thread = new Thread(work, "pipeline-" + name);
        thread.setDaemon(true);
        return thread;
    }

    void start() {
        sender.start();
        receiver.start();
    }

    void offer(Header header, @Nullable ByteBuffer content) {
        queue.add(new Outgoing(header, content));
    }

    boolean isOpen() {
        return !ended;
    }

    /** Whether both ends have the same address, so that they are on one machine. */
    boolean isWithinMachine() {
        Socket socket = channel.socket();
        return socket.getLocalAddress().equals(socket.getInetAddress());
    }

    /** Ends this link if nothing has been heard for too long. */
    void check() {
        long silent = System.nanoTime() - heardNanos;
        if (silent > limits.silence().toNanos()) {
            end("has not been heard of for " + silent / 1_000_000_000 + " s");
        }
    }

    private void send() {
        ByteBuffer head = ByteBuffer.allocateDirect(Header.BYTES);
        long sequence = 0;
        try {
            while (!ended) {
                Outgoing next = queue.poll(limits.heartbeat().toMillis(), TimeUnit.MILLISECONDS);
                if (next == null) {
                    next = new Outgoing(new Header(Header.HEARTBEAT, (byte) 0, 0, 0, 0), null);
                }
                head.clear();
                next.header().write(head, sequence++);
                write(head.flip(), next.content());
                if (next.content() != null) {
                    group.buffers().give(next.content());
                }
                if (next.header().type() == Header.BYE) {
                    saidBye = true;
                    channel.shutdownOutput();
                    return;
                }
            }
        } catch (IOException e) {
            end("cannot be sent to: " + e);
        } catch (InterruptedException e) {
            end("is no longer sent to");
        }
    }

    private void write(ByteBuffer head, @Nullable ByteBuffer content) throws IOException {
        ByteBuffer[] parts = content == null ? new ByteBuffer[] {head} : new ByteBuffer[] {head, content};
        while (parts[parts.length - 1].hasRemaining() || head.hasRemaining()) {
            channel.write(parts);
        }
    }

    private void receive() {
        ByteBuffer head = ByteBuffer.allocateDirect(Header.BYTES);
        long sequence = 0;
        try {
            while (!ended) {
                fill(head.clear());
                Header header = Header.read(head.flip(), sequence++);
                if (header.type() == Header.HEARTBEAT) {
                    continue;
                }
                if (header.type() == Header.BYE) {
                    ended = true;
                    return;
                }
                ByteBuffer content = group.buffers().take(header.length());
                fill(content);
                if (header.type() == Header.OFFER || header.type() == Header.ANSWER) {
                    group.ofBlocks(peer, header, content.flip());
                    continue;
                }
                group.received(peer, header, content.flip());
            }
        } catch (IOException e) {
            end("is lost: " + e.getMessage());
        } catch (RuntimeException e) {
            end("has sent what cannot be used: " + e);
        }
    }

    private void fill(ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new IOException("the connection has ended");
            }
            heardNanos = System.nanoTime();
        }
    }

    private synchronized void end(String why) {
        if (ended) {
            return;
        }
        ended = true;
        closeChannel();
        sender.interrupt();
        if (!saidBye) {
            group.lost(peer, why);
        }
    }

    /** Sends what is queued and says good-bye. Waits for a limited time until the other end has, too. */
    void close() {
        offer(new Header(Header.BYE, (byte) 0, 0, 0, 0), null);
        boolean interrupted = false;
        for (Thread thread : new Thread[] {sender, receiver}) {
            try {
                if (thread != Thread.currentThread()) {
                    thread.join(limits.close().toMillis());
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        ended = true;
        closeChannel();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void closeChannel() {
        try {
            channel.close();
        } catch (IOException e) {
            // it is of no use any more
        }
    }
}
