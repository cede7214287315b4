package io.github.dl4jpipeline.internal.wire;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Both ends of a new connection prove that they know the secret of the group, without sending it. Each sends random bytes; the
 * other answers with their HMAC-SHA256, over its role, both numbers and both random values.
 */
final class Handshake {
    private static final long MAGIC = 0x444c344a50495045L;
    private static final int NONCE = 32;
    private static final int PROOF = 32;
    private static final SecureRandom RANDOM = new SecureRandom();

    private Handshake() {}

    /** The end that has connected. */
    static void connect(SocketChannel channel, byte[] secret, int own, int peer) throws IOException {
        byte[] nonce = nonce();
        write(
                channel,
                ByteBuffer.allocate(16 + NONCE)
                        .putLong(MAGIC)
                        .putInt(own)
                        .putInt(peer)
                        .put(nonce));
        ByteBuffer answer = read(channel, NONCE + PROOF);
        byte[] other = bytes(answer, NONCE);
        require(proof(secret, "accept", own, peer, nonce, other), bytes(answer, PROOF), peer);
        write(channel, ByteBuffer.allocate(PROOF).put(proof(secret, "connect", own, peer, nonce, other)));
    }

    /** The end that was connected to. Returns the number of the other. */
    static int accept(SocketChannel channel, byte[] secret, int own) throws IOException {
        ByteBuffer hello = read(channel, 16 + NONCE);
        long magic = hello.getLong();
        int peer = hello.getInt();
        int wanted = hello.getInt();
        if (magic != MAGIC || wanted != own) {
            throw new IOException("somebody else has connected");
        }
        byte[] other = bytes(hello, NONCE);
        byte[] nonce = nonce();
        write(
                channel,
                ByteBuffer.allocate(NONCE + PROOF).put(nonce).put(proof(secret, "accept", peer, own, other, nonce)));
        require(proof(secret, "connect", peer, own, other, nonce), bytes(read(channel, PROOF), PROOF), peer);
        return peer;
    }

    private static void require(byte[] expected, byte[] given, int peer) throws IOException {
        if (!MessageDigest.isEqual(expected, given)) {
            throw new IOException("member " + peer + " does not know the secret of this group");
        }
    }

    private static byte[] nonce() {
        byte[] nonce = new byte[NONCE];
        RANDOM.nextBytes(nonce);
        return nonce;
    }

    private static byte[] proof(byte[] secret, String role, int from, int to, byte[] first, byte[] second) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret, "HmacSHA256"));
            mac.update(role.getBytes(StandardCharsets.UTF_8));
            mac.update(ByteBuffer.allocate(8).putInt(from).putInt(to).array());
            mac.update(first);
            return mac.doFinal(second);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("This Java has no HMAC-SHA256", e);
        }
    }

    private static byte[] bytes(ByteBuffer buffer, int count) {
        byte[] bytes = new byte[count];
        buffer.get(bytes);
        return bytes;
    }

    private static void write(SocketChannel channel, ByteBuffer buffer) throws IOException {
        buffer.flip();
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    private static ByteBuffer read(SocketChannel channel, int count) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(count);
        fill(channel, buffer);
        return buffer.flip();
    }

    /** Reads until a buffer is full. */
    static void fill(SocketChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new EOFException("the other end has closed the connection");
            }
        }
    }
}
