package io.github.dl4jpipeline.internal.wire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@linkplain Block blocks} of a member, and those of others that it reads. A block is a file in memory, which only its user may
 * open. It has a name only until readers have opened it, and no content before. So it goes with the last process that uses it.
 *
 * <p>Random bytes at its beginning, which the owner also sends, show that a reader has opened the same file.
 */
final class Blocks implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Blocks.class);

    private static final Path DIRECTORY = Path.of("/dev/shm");
    private static final String PREFIX = "dl4j-pipeline-";
    private static final int TOKEN = 32;
    private static final int HEAD = 4096;
    private static final int MOST_BYTES = Integer.MAX_VALUE - HEAD;
    private static final long CHECK_MILLIS = 50;

    private record Key(int owner, int number) {}

    private final Map<Key, FileChannel> opened = new ConcurrentHashMap<>();
    private final Map<Key, ByteBuffer> mapped = new HashMap<>();

    /** By number of the block: who has answered, and whether it can read it. */
    private final Map<Integer, Map<Integer, Boolean>> answers = new HashMap<>();

    private int next;

    /** Offers a block to a member. */
    @FunctionalInterface
    interface Offer {
        void send(int peer, int number, byte[] content);
    }

    /**
     * A block for members that can read it; null if there are none, or there is no room for it.
     *
     * @param isConnected whether an answer may come from a member
     */
    @Nullable Block make(long bytes, Set<Integer> peers, Offer offer, Predicate<Integer> isConnected)
            throws InterruptedException {
        if (bytes <= 0 || bytes > MOST_BYTES || peers.isEmpty() || !Files.isWritable(DIRECTORY)) {
            return null;
        }
        try {
            Path file = Files.createTempFile(
                    DIRECTORY,
                    PREFIX,
                    "",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                int number;
                Set<Integer> readers;
                try {
                    byte[] token = new byte[TOKEN];
                    new SecureRandom().nextBytes(token);
                    write(channel, ByteBuffer.wrap(token), 0);
                    number = number();
                    byte[] name = DIRECTORY.relativize(file).toString().getBytes(StandardCharsets.UTF_8);
                    byte[] content = ByteBuffer.allocate(TOKEN + name.length)
                            .put(token)
                            .put(name)
                            .array();
                    peers.forEach(peer -> offer.send(peer, number, content));
                    readers = readers(number, peers, isConnected);
                } finally {
                    Files.delete(file);
                }
                return readers.isEmpty() ? null : new Block(number, memory(channel, (int) bytes), readers);
            }
        } catch (IOException | UnsupportedOperationException e) { // no room, or another kind of system
            log.info("No memory is shared with other processes in {} ({}): they get copies", DIRECTORY, e.toString());
            return null;
        }
    }

    private synchronized int number() {
        return next++;
    }

    private synchronized Set<Integer> readers(int number, Set<Integer> peers, Predicate<Integer> isConnected)
            throws InterruptedException {
        Map<Integer, Boolean> answered = answersOn(number);
        while (!peers.stream().allMatch(peer -> answered.containsKey(peer) || !isConnected.test(peer))) {
            wait(CHECK_MILLIS);
        }
        answers.remove(number);
        Set<Integer> readers = new HashSet<>();
        answered.forEach((peer, reads) -> {
            if (reads) {
                readers.add(peer);
            }
        });
        return readers;
    }

    /** Takes a member's answer. */
    synchronized void answered(int peer, int number, boolean reads) {
        answersOn(number).put(peer, reads);
        notifyAll();
    }

    private Map<Integer, Boolean> answersOn(int number) {
        return answers.computeIfAbsent(number, block -> new HashMap<>());
    }

    /** Writes all of it, so that a full file system is seen here, and not when the memory is used. */
    private static ByteBuffer memory(FileChannel channel, int bytes) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect(1 << 20);
        for (long at = 0; at < bytes; at += zeros.capacity()) {
            write(channel, zeros.clear().limit((int) Math.min(zeros.capacity(), bytes - at)), HEAD + at);
        }
        return channel.map(FileChannel.MapMode.READ_WRITE, HEAD, bytes).order(ByteOrder.nativeOrder());
    }

    private static void write(FileChannel channel, ByteBuffer content, long from) throws IOException {
        long at = from;
        while (content.hasRemaining()) {
            at += channel.write(content, at);
        }
    }

    /** Opens a block that a member offers. Returns whether it can be read. */
    boolean open(int owner, int number, ByteBuffer offer) {
        byte[] token = new byte[Math.min(TOKEN, offer.remaining())];
        offer.get(token);
        String name = StandardCharsets.UTF_8.decode(offer).toString();
        if (!name.startsWith(PREFIX) || name.indexOf('/') >= 0) {
            throw new IllegalArgumentException("This is no name of a block: " + name);
        }
        try {
            FileChannel channel = FileChannel.open(
                    DIRECTORY.resolve(name), Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
            ByteBuffer found = ByteBuffer.allocate(TOKEN);
            channel.read(found, 0);
            if (MessageDigest.isEqual(token, found.array())) {
                opened.put(new Key(owner, number), channel);
                return true;
            }
            channel.close();
        } catch (IOException | UnsupportedOperationException e) {
            // on another machine, or of another user
        }
        return false;
    }

    /** The content of a block that a member has lent. It cannot be written. */
    synchronized ByteBuffer of(int owner, int number) throws IOException {
        Key key = new Key(owner, number);
        ByteBuffer memory = mapped.get(key);
        if (memory == null) {
            try (FileChannel channel = opened.remove(key)) {
                if (channel == null) {
                    throw new IOException("member " + owner + " has lent a block that it has not offered");
                }
                memory = channel.map(FileChannel.MapMode.READ_ONLY, HEAD, channel.size() - HEAD);
            }
            mapped.put(key, memory);
        }
        return memory;
    }

    /** Lets go of blocks that were never read. Memory goes when nobody uses it any more. */
    @Override
    public void close() {
        opened.values().forEach(channel -> {
            try {
                channel.close();
            } catch (IOException e) {
                // it is of no use any more
            }
        });
    }
}
