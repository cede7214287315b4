package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
    private final Map<Parameter, Weights> all = new HashMap<>();
    private long step;
    private volatile boolean suspect;

    /**
     * Which weights.
     *
     * @param vertex its name
     * @param name of the parameter
     */
    record Parameter(String vertex, String name) {}

    /** One parameter in all layouts. */
    private static final class Weights {
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
    boolean isFinite(Parameter parameter, Value value, INDArray weights, @Nullable INDArray bias) {
        if (value.isArray()) {
            inspect(value.values());
        }
        Weights known = weights(parameter);
        synchronized (known) {
            long now = step();
            if (known.inspected != now) {
                inspect(weights);
                if (bias != null) {
                    inspect(bias);
                }
                known.inspected = now;
            }
        }
        return !suspect;
    }

    /** If there are NaN or infinities, convolutions may not run on oneDNN in this step. */
    void inspect(INDArray array) {
        if (!Double.isFinite(array.sumNumber().doubleValue())) {
            suspect = true;
        }
    }

    private synchronized Weights weights(Parameter parameter) {
        return all.computeIfAbsent(parameter, key -> new Weights());
    }

    private synchronized long step() {
        return step;
    }

    /**
     * Weights in a layout.
     *
     * @param writer packs them, if that has not been done in this step
     */
    INDArray get(Parameter parameter, Layout layout, Writer writer) {
        Weights known = weights(parameter);
        synchronized (known) {
            Packed packed = packed(known, layout);
            long now = step();
            if (packed.step != now) {
                writer.write(packed.floats);
                packed.step = now;
            }
            return packed.floats;
        }
    }

    private static Packed packed(Weights known, Layout layout) {
        for (Packed packed : known.packed) {
            if (packed.layout.equals(layout)) {
                return packed;
            }
        }
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            Packed packed = new Packed(layout, Nd4j.create(DataType.FLOAT, layout.floats()));
            known.packed.add(packed);
            return packed;
        }
    }

    /** Bytes of the memory for some vertices. */
    public long bytes(Set<String> vertices) {
        List<Weights> some = new ArrayList<>();
        synchronized (this) {
            all.forEach((parameter, known) -> {
                if (vertices.contains(parameter.vertex())) {
                    some.add(known);
                }
            });
        }
        long bytes = 0;
        for (Weights known : some) {
            synchronized (known) { // a step may be adding layouts
                for (Packed packed : known.packed) {
                    bytes += packed.layout.bytes();
                }
            }
        }
        return bytes;
    }

    /** Frees the memory. The next step packs anew; no task may run. */
    @Override
    public synchronized void close() {
        all.values().forEach(known -> known.packed.forEach(packed -> packed.floats.close()));
        all.clear();
    }
}
