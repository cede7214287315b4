package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.bytedeco.javacpp.BytePointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What one worker needs of a batch, as bytes. It becomes a batch of the same shapes, in which everything else has any values. That
 * takes addresses, but hardly memory.
 */
final class BatchPiece {
    private static final int BATCH = 1;
    private static final int REFUSAL = 2;

    private BatchPiece() {}

    /** Examples {@code from} to {@code to}, without the last. */
    private record Rows(long from, long to) {}

    static byte[] refusal(String reason) {
        byte[] text = reason.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(4 + text.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(REFUSAL)
                .put(text)
                .array();
    }

    static byte[] write(MicroBatch batch, int microBatches, BatchNeeds needs) {
        List<Rows> rows = rows(batch, microBatches, needs);
        List<Piece> pieces = new ArrayList<>();
        add(pieces, batch.features(), index -> needs.features().contains(index), rows);
        add(pieces, batch.labels(), index -> needs.labels().contains(index), rows);
        add(pieces, batch.featureMasks(), index -> true, rows);
        add(pieces, batch.labelMasks(), index -> true, rows);
        long bytes = 4 + pieces.stream().mapToLong(Piece::bytes).sum();
        if (bytes > Integer.MAX_VALUE - 16) {
            throw new IllegalArgumentException(
                    "A batch of " + bytes + " bytes is too large for one piece; use smaller batches");
        }
        ByteBuffer content =
                ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(BATCH);
        pieces.forEach(piece -> piece.write(content));
        return content.array();
    }

    /** The examples of the worker's micro-batches; all of them, for one replica, where the batch is not split. */
    private static List<Rows> rows(MicroBatch batch, int microBatches, BatchNeeds needs) {
        List<MicroBatch> parts = batch.split(microBatches);
        if (parts.size() == 1) {
            return needs.replica() == 0 ? List.of(new Rows(0, Long.MAX_VALUE)) : List.of();
        }
        List<Rows> rows = new ArrayList<>();
        for (int i = needs.replica(); i < parts.size(); i += needs.replicas()) {
            MicroBatch part = parts.get(i);
            rows.add(new Rows(part.first(), part.first() + part.examples()));
        }
        return rows;
    }

    private interface Which {
        boolean test(int index);
    }

    private static void add(List<Piece> pieces, @Nullable INDArray @Nullable [] arrays, Which which, List<Rows> rows) {
        pieces.add(new Count(arrays == null ? -1 : arrays.length));
        for (int i = 0; arrays != null && i < arrays.length; i++) {
            INDArray array = arrays[i];
            pieces.add(array == null ? new Count(0) : new Part(array, which.test(i) ? rows : List.of()));
        }
    }

    /** Something that is written. */
    private interface Piece {
        long bytes();

        void write(ByteBuffer content);
    }

    private record Count(int value) implements Piece {
        @Override
        public long bytes() {
            return 4;
        }

        @Override
        public void write(ByteBuffer content) {
            content.putInt(value);
        }
    }

    /** Some rows of an array. */
    private record Part(INDArray array, List<Rows> rows) implements Piece {
        private long rowBytes() {
            return array.size(0) == 0
                    ? 0
                    : array.length() / array.size(0) * array.dataType().width();
        }

        private Stream<Rows> there() {
            long count = array.size(0);
            return rows.stream().map(range -> new Rows(range.from(), Math.min(range.to(), count)));
        }

        @Override
        public long bytes() {
            return 16
                    + 8L * array.rank()
                    + there().mapToLong(range -> 16 + (range.to() - range.from()) * rowBytes())
                            .sum();
        }

        @Override
        public void write(ByteBuffer content) {
            content.putInt(1)
                    .putInt(array.dataType().toInt())
                    .putInt(array.rank())
                    .putInt(rows.size());
            for (long size : array.shape()) {
                content.putLong(size);
            }
            if (rows.isEmpty()) {
                return;
            }
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                INDArray inOrder = array.dup('c');
                there().forEach(range -> {
                    int length = (int) ((range.to() - range.from()) * rowBytes());
                    content.putLong(range.from()).putLong(range.to());
                    pointer(inOrder, range.from() * rowBytes())
                            .get(content.array(), content.arrayOffset() + content.position(), length);
                    content.position(content.position() + length);
                });
                inOrder.close();
            }
        }
    }

    private static BytePointer pointer(INDArray array, long offset) {
        return new BytePointer(array.data().addressPointer()).position(offset);
    }

    /**
     * The batch, in arrays outside of workspaces, for {@link #close}.
     *
     * @param used a batch that nobody uses any more: arrays of the same shapes become those of this one, others are closed
     * @throws IllegalArgumentException if it cannot be trained
     */
    static MicroBatch read(byte[] bytes, @Nullable MicroBatch used) {
        ByteBuffer content = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (content.getInt() == REFUSAL) {
            throw new IllegalArgumentException(
                    StandardCharsets.UTF_8.decode(content).toString());
        }
        List<INDArray> free = used == null ? new ArrayList<>() : new ArrayList<>(arraysOf(used));
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            @Nullable INDArray[] features = Objects.requireNonNull(arrays(content, free), "features");
            @Nullable INDArray[] labels = Objects.requireNonNull(arrays(content, free), "labels");
            return MicroBatch.whole(features, labels, arrays(content, free), arrays(content, free));
        } finally {
            free.forEach(INDArray::close);
        }
    }

    private static @Nullable INDArray @Nullable [] arrays(ByteBuffer content, List<INDArray> free) {
        int count = content.getInt();
        if (count < 0) {
            return null;
        }
        @Nullable INDArray[] arrays = new INDArray[count];
        for (int i = 0; i < count; i++) {
            arrays[i] = content.getInt() == 0 ? null : array(content, free);
        }
        return arrays;
    }

    private static INDArray array(ByteBuffer content, List<INDArray> free) {
        DataType type = DataType.fromInt(content.getInt());
        long[] shape = new long[content.getInt()];
        int ranges = content.getInt();
        for (int i = 0; i < shape.length; i++) {
            shape[i] = content.getLong();
        }
        INDArray array = allocate(type, shape, free);
        long rowBytes = ranges == 0 || shape[0] == 0 ? 0 : array.length() / shape[0] * type.width();
        for (int i = 0; i < ranges; i++) {
            long from = content.getLong();
            int length = (int) ((content.getLong() - from) * rowBytes);
            // Given an array of bytes, a pointer would have all of it copied first.
            pointer(array, from * rowBytes)
                    .limit(from * rowBytes + length)
                    .asByteBuffer()
                    .put(content.array(), content.arrayOffset() + content.position(), length);
            content.position(content.position() + length);
        }
        return array;
    }

    /** New memory costs the kernel more time than reading the batch. */
    private static INDArray allocate(DataType type, long[] shape, List<INDArray> free) {
        for (INDArray array : free) {
            if (array.dataType() == type && Arrays.equals(array.shape(), shape)) {
                free.removeIf(other -> other == array);
                return array;
            }
        }
        return Nd4j.createUninitialized(type, shape, 'c');
    }

    /** Frees the arrays of a batch that nobody uses any more. */
    static void close(MicroBatch batch) {
        arraysOf(batch).forEach(INDArray::close);
    }

    private static List<INDArray> arraysOf(MicroBatch batch) {
        return Stream.of(batch.features(), batch.labels(), batch.featureMasks(), batch.labelMasks())
                .filter(Objects::nonNull)
                .flatMap(Arrays::stream)
                .filter(Objects::nonNull)
                .filter(array -> array.closeable() && !array.wasClosed())
                .toList();
    }
}
