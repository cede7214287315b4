package io.github.dl4jpipeline.internal.wire;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * What stands before the content of every message.
 *
 * @param type what the receiver is to do with it; from {@link #FIRST_TYPE} on, users say what
 * @param kind for the user
 * @param index for the user
 * @param part for the user
 * @param length bytes of content
 */
public record Header(byte type, byte kind, long index, int part, int length) {
    /** Types below are this package's own. */
    public static final byte FIRST_TYPE = 16;

    static final byte HEARTBEAT = 1;
    static final byte BYE = 2;

    /** A block is offered. The index is its number. */
    static final byte OFFER = 3;

    /** Whether an offered block can be read, in {@link #kind}. */
    static final byte ANSWER = 4;

    /** The longest content. */
    static final int MOST_BYTES = 1 << 30;

    static final int BYTES = 40;
    private static final int MAGIC = 0x444c5053;

    /** Writes the header of the message with a number, from the buffer's position. */
    void write(ByteBuffer buffer, long sequence) {
        buffer.putInt(MAGIC)
                .putInt(length)
                .putLong(sequence)
                .putLong(index)
                .putInt(part)
                .put(type)
                .put(kind)
                .putShort((short) 0)
                .putInt(check(sequence))
                .putInt(0);
    }

    /** @throws IOException if these bytes are no header, or not that of the expected message */
    static Header read(ByteBuffer buffer, long sequence) throws IOException {
        int magic = buffer.getInt();
        int length = buffer.getInt();
        long number = buffer.getLong();
        long index = buffer.getLong();
        int part = buffer.getInt();
        byte type = buffer.get();
        byte kind = buffer.get();
        buffer.getShort();
        int check = buffer.getInt();
        Header header = new Header(type, kind, index, part, length);
        if (magic != MAGIC || check != header.check(number) || length < 0 || length > MOST_BYTES) {
            throw new IOException("damaged header of message " + sequence + ", length " + length);
        }
        if (number != sequence) {
            throw new IOException("message " + number + " where " + sequence + " was expected");
        }
        return header;
    }

    private int check(long sequence) {
        return hashCode() * 31 + Long.hashCode(sequence);
    }
}
