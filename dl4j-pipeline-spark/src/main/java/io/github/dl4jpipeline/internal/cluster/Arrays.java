package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.internal.wire.Block;
import io.github.dl4jpipeline.internal.wire.Group;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Arrays as content of messages: type, order, shape, and then the elements, or where a vector's are in a block of the sender.
 */
final class Arrays {
    /** Of the first block: less is none. */
    private static final int LENT = 1;

    private Arrays() {}

    /** The blocks of whoever has sent an array. */
    @FunctionalInterface
    interface BlocksOfSender {
        ByteBuffer block(int number);
    }

    /** A copy of an array, in a buffer of the group. */
    static ByteBuffer write(Group group, INDArray array) {
        char order = array.ordering();
        long[] shape = array.shape();
        if (!java.util.Arrays.equals(array.stride(), Nd4j.getStrides(shape, order))) {
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                INDArray copy = array.dup(order);
                ByteBuffer content = write(group, copy);
                copy.close();
                return content;
            }
        }
        int head = headBytes(shape.length);
        long bytes = array.length() * array.dataType().width();
        ByteBuffer content = group.buffer(Math.toIntExact(head + bytes));
        content.putInt(array.dataType().toInt())
                .putInt(order)
                .putInt(shape.length)
                .putInt(0);
        for (long size : shape) {
            content.putLong(size);
        }
        content.rewind();
        copy(at(content, head), array.data().addressPointer(), bytes);
        return content;
    }

    /** A vector that is in a block, without its elements. */
    static ByteBuffer lent(Group group, INDArray vector, Block block) {
        long offset = vector.data().addressPointer().address() - address(block.memory());
        ByteBuffer content = group.buffer(headBytes(1) + 8);
        content.putInt(vector.dataType().toInt())
                .putInt('c')
                .putInt(1)
                .putInt(LENT + block.number())
                .putLong(vector.length())
                .putLong(offset);
        return content.rewind();
    }

    /** Whether all of an array is in a block. */
    static boolean isIn(INDArray array, Block block) {
        long offset = array.data().addressPointer().address() - address(block.memory());
        long bytes = array.length() * array.dataType().width();
        return array.rank() == 1
                && array.stride(0) == 1
                && offset >= 0
                && offset + bytes <= block.memory().capacity();
    }

    private static long address(ByteBuffer memory) {
        try (BytePointer pointer = new BytePointer(memory)) {
            return pointer.address();
        }
    }

    private static int headBytes(int rank) {
        return 16 + 8 * rank;
    }

    private static Pointer at(ByteBuffer content, int offset) {
        return new BytePointer(content).position(offset);
    }

    private static void copy(Pointer to, Pointer from, long bytes) {
        if (bytes > 0) {
            Pointer.memcpy(to, from, bytes);
        }
    }

    /** What stands before the elements. */
    @SuppressWarnings("ArrayRecordComponent") // compared with nothing
    private record Head(DataType type, char order, int lent, long[] shape) {
        static Head read(ByteBuffer content) {
            DataType type = DataType.fromInt(content.getInt());
            char order = (char) content.getInt();
            int rank = content.getInt();
            int lent = content.getInt();
            if (rank < 0 || rank > 32 || (order != 'c' && order != 'f')) {
                throw new IllegalArgumentException("This is no array");
            }
            long[] shape = new long[rank];
            long length = 1;
            for (int i = 0; i < rank; i++) {
                shape[i] = content.getLong();
                length *= shape[i];
            }
            if ((lent < LENT ? length * type.width() : 8) != content.remaining()) {
                throw new IllegalArgumentException("An array of shape " + java.util.Arrays.toString(shape)
                        + " cannot have " + content.remaining() + " bytes");
            }
            return new Head(type, order, lent, shape);
        }
    }

    /** A new array in the current workspace. */
    static INDArray read(ByteBuffer content) {
        Head head = Head.read(content);
        if (head.lent() >= LENT) {
            throw new IllegalArgumentException("This array is in a block of the sender");
        }
        long bytes = content.remaining();
        INDArray array = Nd4j.createUninitialized(head.type(), head.shape(), head.order());
        copy(array.data().addressPointer(), at(content.rewind(), headBytes(head.shape().length)), bytes);
        return array;
    }

    /** The vector that is in a message or a block. It is valid as long as this is. */
    static INDArray vector(ByteBuffer content, BlocksOfSender blocks) {
        Head head = Head.read(content);
        if (head.shape().length != 1) {
            throw new IllegalArgumentException("This is no vector");
        }
        long length = head.shape()[0];
        if (head.lent() < LENT) {
            return vector(content.slice(), head.type(), length);
        }
        int offset = Math.toIntExact(content.getLong());
        int bytes = Math.toIntExact(length * head.type().width());
        return vector(blocks.block(head.lent() - LENT).slice(offset, bytes), head.type(), length);
    }

    /** The vector that is a direct buffer, which must be kept as long. */
    static INDArray vector(ByteBuffer memory, DataType type, long length) {
        return Nd4j.create(Nd4j.createBuffer(new BytePointer(memory), length, type), length);
    }
}
