package io.github.dl4jpipeline.internal.file;

import io.github.dl4jpipeline.exception.ModelFileException;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UTFDataFormatException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.bytedeco.javacpp.indexer.Bfloat16Indexer;
import org.bytedeco.javacpp.indexer.HalfIndexer;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Reads a vector in ND4J's binary format. Number and type of its elements are checked before there is memory for them.
 *
 * <p>The format is two buffers, the shape and the elements. Each begins with a word for how it was allocated, its length, and
 * its type; the oldest words come with a length of 32 bits. The shape is the rank, sizes, strides, flags and order. Numbers
 * are big-endian.
 */
final class ArrayReader {
    private static final Set<String> OLDEST = Set.of("DIRECT", "HEAP", "JAVACPP");
    private static final Set<String> ALLOCATIONS =
            Set.of("DIRECT", "HEAP", "JAVACPP", "LONG_SHAPE", "MIXED_DATA_TYPES");
    private static final List<DataType> FLOATING =
            List.of(DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16, DataType.BFLOAT16);

    /** Strides, flags and order follow the sizes. */
    private static final int BESIDE_SIZES = 4;

    private static final int CHUNK = 1 << 16;

    private final DataInputStream in;

    private record Header(long length, String type) {}

    /** What is known before the elements are read: {@code [n]} or {@code [1, n]}. */
    record Shape(List<Long> sizes, DataType type) {
        long length() {
            return sizes.get(sizes.size() - 1);
        }
    }

    /** Gives the array that the elements go to. */
    interface Target {
        /**
         * The array for elements of a type and shape.
         *
         * @throws ModelFileException if such elements are not expected
         */
        INDArray of(Shape shape);
    }

    private ArrayReader(InputStream in) {
        this.in = new DataInputStream(in);
    }

    /**
     * Reads a vector, to the end of the stream.
     *
     * @throws ModelFileException if the stream holds something else
     */
    static INDArray read(InputStream in, Target target) throws IOException {
        try {
            return new ArrayReader(in).read(target);
        } catch (EOFException e) {
            throw new ModelFileException("it ends early", e);
        } catch (UTFDataFormatException e) {
            throw new ModelFileException("it has a damaged header", e);
        }
    }

    private INDArray read(Target target) throws IOException {
        long[] sizes = sizes();
        Header header = header();
        long length = sizes[sizes.length - 1];
        if (header.length() != length) {
            throw new ModelFileException(
                    "it has a header for " + length + " elements, and one for " + header.length() + " elements");
        }
        DataType type = FLOATING.stream()
                .filter(known -> known.name().equals(header.type()))
                .findFirst()
                .orElseThrow(() -> new ModelFileException(
                        "it has elements of type " + header.type() + "; expected one of " + FLOATING));
        INDArray array = target.of(new Shape(Arrays.stream(sizes).boxed().toList(), type));
        copyTo(array.data(), type, length);
        if (in.read() >= 0) {
            throw new ModelFileException("it goes on after its " + length + " elements");
        }
        return array;
    }

    private Header header() throws IOException {
        String allocation = in.readUTF();
        if (!ALLOCATIONS.contains(allocation)) {
            throw new ModelFileException("it has a damaged header");
        }
        return new Header(OLDEST.contains(allocation) ? in.readInt() : in.readLong(), in.readUTF());
    }

    /** {@code [n]} or {@code [1, n]}. */
    private long[] sizes() throws IOException {
        Header header = header();
        boolean ints = header.type().equals("INT");
        if (!ints && !header.type().equals("LONG")) {
            throw new ModelFileException("it has a shape of type " + header.type());
        }
        long rank = ints ? in.readInt() : in.readLong();
        if (rank < 1 || rank > 2 || header.length() != 2 * rank + BESIDE_SIZES) {
            throw new ModelFileException(
                    "it has " + rank + " dimensions in a shape of " + header.length() + " numbers; expected a vector");
        }
        long[] sizes = new long[(int) rank];
        for (int i = 0; i < header.length() - 1; i++) {
            long number = ints ? in.readInt() : in.readLong();
            if (i < rank) {
                sizes[i] = number;
            }
        }
        if (sizes[sizes.length - 1] < 1 || (rank == 2 && sizes[0] != 1)) {
            throw new ModelFileException("it has the shape " + Arrays.toString(sizes) + "; expected a vector");
        }
        return sizes;
    }

    private void copyTo(DataBuffer buffer, DataType type, long length) throws IOException {
        byte[] bytes = new byte[CHUNK];
        int width = type.width();
        for (long done = 0; done < length; ) {
            int count = (int) Math.min(length - done, CHUNK / width);
            in.readFully(bytes, 0, count * width);
            ByteBuffer chunk = ByteBuffer.wrap(bytes);
            for (int i = 0; i < count; i++, done++) {
                switch (type) {
                    case DOUBLE -> buffer.put(done, chunk.getDouble());
                    case FLOAT -> buffer.put(done, chunk.getFloat());
                    case HALF -> buffer.put(done, HalfIndexer.toFloat(chunk.getShort()));
                    default -> buffer.put(done, Bfloat16Indexer.toFloat(chunk.getShort()));
                }
            }
        }
    }
}
