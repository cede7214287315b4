package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Weights of a stage in the layouts that its primitives read. They are packed from the parameters once in a step, by the first task
 * that needs them, for all micro-batches. Any number of threads may use it at once.
 */
public final class PackedWeights implements AutoCloseable {
    private final Map<String, Vertex> vertices = new HashMap<>();
    private long step;
    private volatile boolean suspect;

    /** The packed weights of a vertex. */
    private static final class Vertex {
        final List<Packed> packed = new ArrayList<>();
        long inspected = -1;
    }

    private static final class Packed {
        final Layout layout;
        final INDArray floats;
        long step = -1;

        Packed(Layout layout, INDArray floats) {
            this.layout = layout;
            this.floats = floats;
        }
    }

    /** Writes weights in another layout. */
    interface Writer {
        void write(INDArray floats);
    }

    /** The parameters may have changed: from now on weights are packed anew. */
    public synchronized void renew() {
        step++;
        suspect = false;
    }

    /**
     * Whether a convolution may run on oneDNN, which spreads NaN and infinities to other elements, and whose ReLU makes 0 of NaN. In a
     * step that has any, Deeplearning4j's layers must run, so that a network that diverges is seen as one.
     *
     * @param value what it reads; what other vertices of the engine have put out follows from what they have read
     */
    boolean isFinite(String name, Value value, INDArray weights, @Nullable INDArray bias) {
        if (value.isArray()) {
            inspect(value.values());
        }
        Vertex vertex = vertex(name);
        synchronized (vertex) {
            long now = step();
            if (vertex.inspected != now) {
                inspect(weights);
                if (bias != null) {
                    inspect(bias);
                }
                vertex.inspected = now;
            }
        }
        return !suspect;
    }

    private void inspect(INDArray array) {
        if (!Double.isFinite(array.sumNumber().doubleValue())) {
            suspect = true;
        }
    }

    private synchronized Vertex vertex(String name) {
        return vertices.computeIfAbsent(name, key -> new Vertex());
    }

    private synchronized long step() {
        return step;
    }

    /**
     * The weights of a vertex in a layout.
     *
     * @param writer packs them, if that has not been done in this step
     */
    INDArray get(String name, Layout layout, Writer writer) {
        Vertex vertex = vertex(name);
        synchronized (vertex) {
            Packed packed = packed(vertex, layout);
            long now = step();
            if (packed.step != now) {
                writer.write(packed.floats);
                packed.step = now;
            }
            return packed.floats;
        }
    }

    private static Packed packed(Vertex vertex, Layout layout) {
        for (Packed packed : vertex.packed) {
            if (packed.layout.equals(layout)) {
                return packed;
            }
        }
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            Packed packed = new Packed(layout, Nd4j.create(DataType.FLOAT, layout.floats()));
            vertex.packed.add(packed);
            return packed;
        }
    }

    /** Bytes of memory. */
    public synchronized long bytes() {
        return vertices.values().stream()
                .flatMap(vertex -> vertex.packed.stream())
                .mapToLong(packed -> packed.floats.length() * Float.BYTES)
                .sum();
    }

    /** Frees the memory. The next step packs anew; no task may run. */
    @Override
    public synchronized void close() {
        vertices.values().forEach(vertex -> vertex.packed.forEach(packed -> packed.floats.close()));
        vertices.clear();
    }
}
