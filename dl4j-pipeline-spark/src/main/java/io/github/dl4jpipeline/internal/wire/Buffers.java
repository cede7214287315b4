package io.github.dl4jpipeline.internal.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/** Direct buffers that are used again. Any thread may use it. */
final class Buffers {
    private static final int LEAST = 1 << 10;

    /** By capacity, a power of two. */
    private final Map<Integer, Deque<ByteBuffer>> free = new HashMap<>();

    /** A buffer whose limit is a number of bytes. */
    synchronized ByteBuffer take(int bytes) {
        int capacity = capacity(bytes);
        Deque<ByteBuffer> ofSize = free.get(capacity);
        ByteBuffer buffer = ofSize == null ? null : ofSize.poll();
        if (buffer == null) {
            buffer = ByteBuffer.allocateDirect(capacity).order(ByteOrder.nativeOrder());
        }
        return buffer.clear().limit(bytes);
    }

    private static int capacity(int bytes) {
        int power = Integer.highestOneBit(Math.max(LEAST, bytes));
        return power >= bytes ? power : power > 1 << 29 ? bytes : power << 1;
    }

    /** Gives a buffer back, which must not be used any more. */
    synchronized void give(ByteBuffer buffer) {
        free.computeIfAbsent(buffer.capacity(), size -> new ArrayDeque<>()).push(buffer);
    }
}
