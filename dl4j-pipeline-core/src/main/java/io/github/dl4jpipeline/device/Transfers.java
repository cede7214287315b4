package io.github.dl4jpipeline.device;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Keeps account of copies between devices. Any thread may use it; none waits for another. */
public final class Transfers {
    /** What a copy is for. */
    public enum Kind {
        /** Features, labels and masks, from the host. */
        INPUT("inputs, labels and masks"),
        /** Activations that a later stage reads. */
        ACTIVATION("activations"),
        /** Errors for an earlier stage. */
        ERROR("errors"),
        /** Gradient sums of the replicas of a stage, and the parameters that follow from them. */
        REPLICA("gradients and parameters of replicas"),
        /** Parameters, gradients and updater state, from or to the host, and activations for listeners. */
        GATHER("parameters and updater state");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        /** What is copied, for people. */
        @Override
        public String toString() {
            return text;
        }
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

    /**
     * All copies for one purpose from one place to another.
     *
     * @param copies how many
     * @param nanos time of all, one after the other
     */
    public record Traffic(Kind kind, String from, String to, long copies, long bytes, long nanos) {}

    private record Route(Kind kind, String from, String to) {}

    private record Sums(LongAdder copies, LongAdder bytes, LongAdder nanos) {
        static Sums zero() {
            return new Sums(new LongAdder(), new LongAdder(), new LongAdder());
        }
    }

    private final Map<Route, Sums> sums = new ConcurrentHashMap<>();
    private volatile Queue<Copy> copies = new ConcurrentLinkedQueue<>();

    /** Bytes of an array's elements. */
    public static long bytes(INDArray array) {
        return array.length() * array.dataType().width();
    }

    /** Runs a copy and writes it down. */
    public <T> T timed(Kind kind, String what, String from, String to, long bytes, Supplier<T> copy) {
        long start = System.nanoTime();
        T result = copy.get();
        long nanos = System.nanoTime() - start;
        Sums ofRoute = sums(new Route(kind, from, to));
        ofRoute.copies().increment();
        ofRoute.bytes().add(bytes);
        ofRoute.nanos().add(nanos);
        copies.add(new Copy(kind, what, from, to, bytes, start, nanos));
        return result;
    }

    private Sums sums(Route route) {
        Sums known = sums.get(route); // unlike what follows, this never locks
        return known != null ? known : sums.computeIfAbsent(route, added -> Sums.zero());
    }

    /** A new step begins: forgets single copies, keeps the sums. */
    public void beginStep() {
        copies = new ConcurrentLinkedQueue<>();
    }

    /** The copies since the last step began. */
    public List<Copy> copies() {
        return List.copyOf(copies);
    }

    /** All copies since the start: by purpose, and from where to where. */
    public List<Traffic> traffic() {
        return sums.entrySet().stream()
                .map(entry -> new Traffic(
                        entry.getKey().kind(),
                        entry.getKey().from(),
                        entry.getKey().to(),
                        entry.getValue().copies().sum(),
                        entry.getValue().bytes().sum(),
                        entry.getValue().nanos().sum()))
                .sorted(Comparator.comparing(Traffic::kind)
                        .thenComparing(Traffic::from)
                        .thenComparing(Traffic::to))
                .toList();
    }

    /** Bytes copied for a purpose since the start. */
    public long bytes(Kind kind) {
        return traffic().stream()
                .filter(traffic -> traffic.kind() == kind)
                .mapToLong(Traffic::bytes)
                .sum();
    }
}
