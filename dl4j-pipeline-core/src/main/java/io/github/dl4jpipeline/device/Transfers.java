package io.github.dl4jpipeline.device;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Keeps account of copies between devices. Any thread may use it. */
public final class Transfers {
    /** What a copy is for. */
    public enum Kind {
        /** Features, labels and masks, from the host. */
        INPUT,
        /** Activations that a later stage reads. */
        ACTIVATION,
        /** Errors for an earlier stage. */
        ERROR,
        /** Gradient sums of the replicas of a stage, and the parameters that follow from them. */
        REPLICA,
        /** Parameters, gradients and updater state, from or to the host, and activations for listeners. */
        GATHER
    }

    /**
     * One copy.
     *
     * @param what the vertex or array
     * @param from where it was: a device's id, or {@code host}
     * @param to where it went
     * @param startNanos start, on the clock of {@link System#nanoTime}
     */
    public record Copy(Kind kind, String what, String from, String to, long bytes, long startNanos, long nanos) {}

    private final Map<Kind, Long> bytes = new EnumMap<>(Kind.class);
    private List<Copy> copies = new ArrayList<>();

    /** Bytes of an array's elements. */
    public static long bytes(INDArray array) {
        return array.length() * array.dataType().width();
    }

    /** Runs a copy and writes it down. */
    public <T> T timed(Kind kind, String what, String from, String to, long copied, Supplier<T> copy) {
        long start = System.nanoTime();
        T result = copy.get();
        long nanos = System.nanoTime() - start;
        synchronized (this) {
            bytes.merge(kind, copied, Long::sum);
            copies.add(new Copy(kind, what, from, to, copied, start, nanos));
        }
        return result;
    }

    /** A new step begins: forgets single copies, keeps the sums. */
    public synchronized void beginStep() {
        copies = new ArrayList<>();
    }

    /** The copies since the last step began. */
    public synchronized List<Copy> copies() {
        return List.copyOf(copies);
    }

    /** Bytes copied for a purpose since the start. */
    public synchronized long bytes(Kind kind) {
        return bytes.getOrDefault(kind, 0L);
    }
}
