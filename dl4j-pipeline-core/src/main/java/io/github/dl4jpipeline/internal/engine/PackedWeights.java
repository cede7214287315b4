package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Snapshot;
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
 * that needs them, for all micro-batches. For inference they stay packed until the parameters change. Any number of threads may use it
 * at once.
 */
public final class PackedWeights implements AutoCloseable {
    private final Map<Parameter, Weights> all = new HashMap<>();
    private final boolean keeping;
    private long step;
    private volatile boolean suspect;

    /**
     * Which weights.
     *
     * @param vertex its name
     * @param name of the parameter
     */
    record Parameter(String vertex, String name) {}

    /** One parameter in all layouts. Its version is the last step that may have found it changed. */
    private static final class Weights {
        final List<Packed> packed = new ArrayList<>();
        final @Nullable Snapshot snapshot;
        long seen = -1;
        long version = -1;
        long inspected = -1;
        boolean finite;

        Weights(boolean keeping) {
            snapshot = keeping ? new Snapshot() : null;
        }

        /** Looks whether they have changed, once in a step. */
        void see(INDArray weights, long step) {
            if (seen != step) {
                if (snapshot == null || snapshot.take(weights)) {
                    version = step;
                }
                seen = step;
            }
        }
    }

    private static final class Packed {
        final Layout layout;
        final INDArray floats;
        long version = -1;

        Packed(Layout layout, INDArray floats) {
            this.layout = layout;
            this.floats = floats;
        }
    }

    /** Writes weights in another layout. */
    interface Writer {
        void write(INDArray floats);
    }

    /** For training, whose steps change parameters. */
    public PackedWeights() {
        this(false);
    }

    private PackedWeights(boolean keeping) {
        this.keeping = keeping;
    }

    /** For inference: what is packed is kept while the parameters are bit for bit as they were, in a copy of them. */
    public static PackedWeights keeping() {
        return new PackedWeights(true);
    }

    /** A step begins, and the parameters may have changed. */
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
        boolean finite = !value.isArray() || Finite.is(value.values());
        Weights known = weights(parameter);
        synchronized (known) {
            long now = step();
            boolean first = known.seen != now || known.inspected == -1;
            known.see(weights, now);
            if (known.inspected != known.version) {
                known.finite = Finite.is(weights);
                known.inspected = known.version;
            }
            finite &= known.finite && (bias == null || !first || Finite.is(bias));
        }
        if (!finite) {
            suspect = true;
        }
        return !suspect;
    }

    /** If there are NaN or infinities, convolutions may not run on oneDNN in this step. */
    void inspect(INDArray array) {
        if (!Finite.is(array)) {
            suspect = true;
        }
    }

    private synchronized Weights weights(Parameter parameter) {
        return all.computeIfAbsent(parameter, key -> new Weights(keeping));
    }

    private synchronized long step() {
        return step;
    }

    /**
     * Weights in a layout.
     *
     * @param weights as the parameters have them
     * @param writer packs them, if that has not been done since they may have changed
     */
    INDArray get(Parameter parameter, INDArray weights, Layout layout, Writer writer) {
        Weights known = weights(parameter);
        synchronized (known) {
            Packed packed = packed(known, layout);
            known.see(weights, step());
            if (packed.version != known.version) {
                writer.write(packed.floats);
                packed.version = known.version;
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
                bytes += known.snapshot == null ? 0 : known.snapshot.bytes();
            }
        }
        return bytes;
    }

    /** Frees the memory. The next step packs anew; no task may run. */
    @Override
    public synchronized void close() {
        for (Weights known : all.values()) {
            known.packed.forEach(packed -> packed.floats.close());
            if (known.snapshot != null) {
                known.snapshot.close();
            }
        }
        all.clear();
    }
}
