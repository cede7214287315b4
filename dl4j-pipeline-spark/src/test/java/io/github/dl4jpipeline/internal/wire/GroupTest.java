package io.github.dl4jpipeline.internal.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two members on the loopback address, and strangers. */
class GroupTest {
    private static final Limits LIMITS =
            new Limits(Duration.ofMillis(50), Duration.ofMillis(700), Duration.ofSeconds(2), Duration.ofSeconds(2));
    private static final byte[] SECRET = {1, 2, 3, 4};
    private static final Path MEMORY = Path.of("/dev/shm");
    private static final byte TYPE = Header.FIRST_TYPE;

    /** What one member has heard, in words. */
    private static final class Heard implements Handler {
        final BlockingQueue<String> events = new LinkedBlockingQueue<>();

        @Override
        public void received(int peer, Header header, ByteBuffer content) {
            long sum = 0;
            while (content.hasRemaining()) {
                sum += content.get();
            }
            events.add("from " + peer + ": " + header.index() + ", " + header.length() + " bytes, sum " + sum);
        }

        @Override
        public void lost(int peer, String why) {
            events.add("lost " + peer + ": " + why);
        }

        String next() throws InterruptedException {
            return events.poll(10, TimeUnit.SECONDS);
        }
    }

    private final Heard heard = new Heard();
    private Group group;

    @BeforeEach
    void listen() throws IOException {
        group = member(0, heard);
    }

    @AfterEach
    void close() {
        group.close();
    }

    private static Group member(int number, Handler handler) throws IOException {
        return new Group(number, InetAddress.getLoopbackAddress(), 0, SECRET, handler, LIMITS);
    }

    @Test
    void messagesArriveWholeAndInOrder() throws Exception {
        Heard other = new Heard();
        try (Group peer = member(1, other)) {
            peer.connect(0, group.address());
            group.awaitConnected(Set.of(1), Duration.ofSeconds(5));
            int large = 5_000_001; // more than a socket takes or gives at once
            for (int i = 0; i < 3; i++) {
                ByteBuffer content = peer.buffer(large);
                while (content.hasRemaining()) {
                    content.put((byte) 1);
                }
                peer.send(0, TYPE, (byte) 0, i, 0, content.flip());
            }
            peer.send(0, TYPE, (byte) 0, 3, 0, null);
            for (int i = 0; i < 3; i++) {
                assertThat(heard.next()).isEqualTo("from 1: " + i + ", " + large + " bytes, sum " + large);
            }
            assertThat(heard.next()).isEqualTo("from 1: 3, 0 bytes, sum 0");
            group.send(1, TYPE, (byte) 0, 4, 0, null);
            assertThat(other.next()).isEqualTo("from 0: 4, 0 bytes, sum 0");
        }
        assertThat(heard.events).as("a member that says good-bye is not lost").isEmpty();
    }

    @Test
    void whoDoesNotKnowTheSecretIsRefused() throws Exception {
        try (Group stranger = new Group(1, InetAddress.getLoopbackAddress(), 0, new byte[] {9}, new Heard(), LIMITS)) {
            assertThatThrownBy(() -> stranger.connect(0, group.address()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("member 0 does not know the secret of this group");
            assertThatThrownBy(() -> group.awaitConnected(Set.of(1), Duration.ofMillis(100)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("Of members [1] only [] have connected");
        }
    }

    @Test
    void whoSpeaksSomethingElseIsCutOff() throws Exception {
        try (Socket stranger =
                new Socket(group.address().getAddress(), group.address().getPort())) {
            stranger.getOutputStream().write(new byte[100]);
            stranger.setSoTimeout(10_000);
            int read;
            try {
                read = stranger.getInputStream().read();
            } catch (SocketException e) { // cut off with bytes unread
                read = -1;
            }
            assertThat(read).isEqualTo(-1);
        }
    }

    private SocketChannel member1() throws IOException {
        SocketChannel channel = SocketChannel.open(group.address());
        Handshake.connect(channel, SECRET, 1, 0);
        return channel;
    }

    @Test
    void aSilentMemberIsGivenUp() throws Exception {
        try (SocketChannel ignored = member1()) {
            assertThat(heard.next()).startsWith("lost 1: has not been heard of for");
        }
    }

    @Test
    void aMemberThatEndsIsLost() throws Exception {
        member1().close();
        assertThat(heard.next()).isEqualTo("lost 1: is lost: the connection has ended");
    }

    @Test
    void aDamagedLengthIsSeen() throws Exception {
        try (SocketChannel channel = member1()) {
            ByteBuffer head = ByteBuffer.allocate(Header.BYTES);
            new Header(TYPE, (byte) 0, 0, 0, 8).write(head, 0);
            head.putInt(4, 1 << 20).flip();
            channel.write(head);
            assertThat(heard.next()).startsWith("lost 1: is lost: damaged header of message 0");
        }
    }

    @Test
    void aMissingMessageIsSeen() throws Exception {
        try (SocketChannel channel = member1()) {
            ByteBuffer head = ByteBuffer.allocate(Header.BYTES);
            new Header(TYPE, (byte) 0, 0, 0, 0).write(head, 7);
            channel.write(head.flip());
            assertThat(heard.next()).isEqualTo("lost 1: is lost: message 7 where 0 was expected");
        }
    }

    private static List<String> filesOfBlocks() throws IOException {
        try (Stream<Path> files = Files.list(MEMORY)) {
            return files.map(Path::toString)
                    .filter(file -> file.contains("dl4j-pipeline-"))
                    .toList();
        }
    }

    @Test
    void aBlockIsReadWhereItIsAndHasNoName() throws Exception {
        assumeTrue(Files.isWritable(MEMORY), "this system has no files in memory");
        try (Group peer = member(1, new Heard())) {
            peer.connect(0, group.address());
            group.awaitConnected(Set.of(1), Duration.ofSeconds(5));
            List<String> before = filesOfBlocks();
            Block block = peer.block(3_000_000, Set.of(0, 7));
            assertThat(block).isNotNull();
            assertThat(filesOfBlocks()).isSubsetOf(before);
            assertThat(block.readers()).as("member 7 is not there").containsExactly(0);
            ByteBuffer read = group.blockOf(1, block.number());
            assertThat(read.capacity()).isEqualTo(3_000_000);
            assertThat(read.isReadOnly()).isTrue();
            assertThat(read.get(2_999_999)).isZero();
            block.memory().put(2_999_999, (byte) 5);
            assertThat(read.get(2_999_999)).isEqualTo((byte) 5);
            assertThatThrownBy(() -> group.blockOf(1, 9))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("member 1 has lent a block that it has not offered");
        }
        assertThat(group.block(1_000, Set.of(7))).as("nobody reads it").isNull();
    }

    @Test
    void aFileThatTheOwnerHasNotWrittenIsNotRead() throws Exception {
        assumeTrue(Files.isWritable(MEMORY), "this system has no files in memory");
        Path file = Files.createTempFile(MEMORY, "dl4j-pipeline-", "");
        try (Blocks blocks = new Blocks()) {
            byte[] name = file.getFileName().toString().getBytes(StandardCharsets.UTF_8);
            ByteBuffer offer =
                    ByteBuffer.allocate(32 + name.length).putLong(0, 7).put(32, name);
            assertThat(blocks.open(1, 0, offer)).isFalse();
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void allAddressesAreRefused() {
        assertThatThrownBy(() -> new Group(2, new InetSocketAddress(0).getAddress(), 0, SECRET, new Heard(), LIMITS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("would let in everybody");
    }
}
