package io.github.dl4jpipeline.internal.layers;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Gives layers arrays that are full of NaN, between guards of huge numbers. What reads an element that nobody has written, or
 * one outside of its array, has NaN or a huge number in its result. What writes outside of its array changes a guard.
 */
final class GuardedMemory extends LayerWorkspaceMgr implements AutoCloseable {
    private static final int GUARD_BYTES = 65536;

    /** All bits set: NaN in every type of floating point numbers. */
    private static final byte NAN = -1;

    /** Repeated, the largest numbers of all types but for their last digits, which max-pooling takes if it reads them. */
    private static final byte GUARD = 0x7f;

    private final List<Block> blocks = new ArrayList<>();

    private record Block(BytePointer memory, INDArray array) {}

    GuardedMemory() {
        super(EnumSet.allOf(ArrayType.class), Map.of(), Map.of());
    }

    /** An array in row-major order, or in column-major order. */
    INDArray array(DataType type, long[] shape, char order) {
        if (Arrays.stream(shape).anyMatch(size -> size < 1)) {
            return Nd4j.createUninitialized(type, shape, order); // empty, or refused
        }
        long length = Arrays.stream(shape).reduce(1, (product, size) -> product * size);
        long bytes = length * type.width();
        BytePointer memory = new BytePointer(bytes + 2 * GUARD_BYTES);
        Pointer.memset(memory, GUARD, memory.capacity());
        Pointer.memset(memory.getPointer(GUARD_BYTES), NAN, bytes);
        INDArray array = Nd4j.create(
                Nd4j.createBuffer(memory.getPointer(GUARD_BYTES), length, type),
                shape,
                Nd4j.getStrides(shape, order),
                0,
                order);
        blocks.add(new Block(memory, array));
        return array;
    }

    /** A copy in an array of its own. */
    INDArray copyOf(INDArray array) {
        return dup(ArrayType.INPUT, array, 'c');
    }

    @Override
    public INDArray createUninitialized(ArrayType arrayType, DataType dataType, long[] shape, char order) {
        return array(dataType, shape, order);
    }

    @Override
    public INDArray create(ArrayType arrayType, DataType dataType, long[] shape, char order) {
        return array(dataType, shape, order).assign(0);
    }

    @Override
    public INDArray dup(ArrayType arrayType, INDArray toDup, char order) {
        return array(toDup.dataType(), toDup.shape(), order).assign(toDup);
    }

    /** The shapes of the arrays outside of which something has been written; empty if there are none. */
    String damage() {
        StringBuilder damage = new StringBuilder();
        for (Block block : blocks) {
            long capacity = block.memory().capacity();
            if (isChanged(block.memory(), 0)) {
                damage.append(" before ").append(Arrays.toString(block.array().shape()));
            }
            if (isChanged(block.memory(), capacity - GUARD_BYTES)) {
                damage.append(" behind ").append(Arrays.toString(block.array().shape()));
            }
        }
        return damage.toString();
    }

    private static boolean isChanged(BytePointer memory, long from) {
        byte[] guard = new byte[GUARD_BYTES];
        memory.getPointer(from).get(guard);
        for (byte value : guard) {
            if (value != GUARD) {
                return true;
            }
        }
        return false;
    }

    /** Frees the arrays. */
    @Override
    public void close() {
        blocks.forEach(block -> block.memory().close());
        blocks.clear();
    }
}
