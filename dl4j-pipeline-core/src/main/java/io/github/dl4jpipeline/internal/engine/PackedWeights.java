package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
     * Looks for NaN and infinities. oneDNN's convolutions spread them to other elements, and their ReLU makes 0 of NaN; so in a step
     * that has any, Deeplearning4j's layers must run, and a network that diverges is seen as one.
     *
     * @param parameters of a vertex, at which this looks once in a step
     */
    void inspect(String name, INDArray... parameters) {
        Vertex vertex = vertex(name);
        synchronized (vertex) {
            long now = step();
            if (vertex.inspected != now) {
                for (INDArray array : parameters) {
                    inspect(array);
                }
                vertex.inspected = now;
            }
        }
    }

    /** The same for other arrays than parameters. */
    void inspect(INDArray array) {
        if (!Double.isFinite(array.sumNumber().doubleValue())) {
            suspect = true;
        }
    }

    /** Whether some have been found in this step. */
    boolean isSuspect() {
        return suspect;
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
