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

/** Keeps account of transfers between devices. Any thread may use it; none waits for another. */
public final class Transfers {
    /** What a transfer is for. */
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

        /** What is passed, for people. */
        @Override
        public String toString() {
            return text;
        }
    }

    /**
     * For what, and from where to where.
     *
     * @param from where it was: a device's id, or {@code host}
     * @param to where it went
     */
    public record Route(Kind kind, String from, String to) {}

    /**
     * One transfer.
     *
     * @param what the vertex or array
     * @param startNanos start, on the clock of {@link System#nanoTime}
     */
    public record Transfer(Route route, String what, long bytes, long startNanos, long nanos) {}

    /**
     * All transfers on one route.
     *
     * @param count how many
     * @param nanos time of all, one after the other
     */
    public record Traffic(Route route, long count, long bytes, long nanos) {}

    private record Sums(LongAdder count, LongAdder bytes, LongAdder nanos) {
        static Sums zero() {
            return new Sums(new LongAdder(), new LongAdder(), new LongAdder());
        }
    }

    private final Map<Route, Sums> sums = new ConcurrentHashMap<>();
    private volatile Queue<Transfer> ofStep = new ConcurrentLinkedQueue<>();

    /** Bytes of an array's elements. */
    public static long bytes(INDArray array) {
        return array.length() * array.dataType().width();
    }

    /** Runs a transfer and writes it down. */
    public <T> T timed(Kind kind, String what, String from, String to, long bytes, Supplier<T> transfer) {
        CopyEvent event = new CopyEvent();
        event.begin();
        long start = System.nanoTime();
        T result = transfer.get();
        long nanos = System.nanoTime() - start;
        Route route = new Route(kind, from, to);
        Sums ofRoute = sums(route);
        ofRoute.count().increment();
        ofRoute.bytes().add(bytes);
        ofRoute.nanos().add(nanos);
        ofStep.add(new Transfer(route, what, bytes, start, nanos));
        record(event, route, what, bytes);
        return result;
    }

    private static void record(CopyEvent event, Route route, String what, long bytes) {
        event.end();
        if (event.shouldCommit()) {
            event.kind = route.kind().toString();
            event.what = what;
            event.from = route.from();
            event.to = route.to();
            event.bytes = bytes;
            event.commit();
        }
    }

    private Sums sums(Route route) {
        Sums known = sums.get(route); // unlike what follows, this never locks
        return known != null ? known : sums.computeIfAbsent(route, added -> Sums.zero());
    }

    /** A new step begins: forgets single transfers, keeps the sums. */
    public void beginStep() {
        ofStep = new ConcurrentLinkedQueue<>();
    }

    /** The transfers since the last step began. */
    public List<Transfer> ofStep() {
        return List.copyOf(ofStep);
    }

    /** All transfers since the start: by purpose, and from where to where. */
    public List<Traffic> traffic() {
        return sums.entrySet().stream()
                .map(entry -> new Traffic(
                        entry.getKey(),
                        entry.getValue().count().sum(),
                        entry.getValue().bytes().sum(),
                        entry.getValue().nanos().sum()))
                .sorted(Comparator.comparing(
                        Traffic::route,
                        Comparator.comparing(Route::kind)
                                .thenComparing(Route::from)
                                .thenComparing(Route::to)))
                .toList();
    }

    /** Bytes passed for a purpose since the start. */
    public long bytes(Kind kind) {
        return traffic().stream()
                .filter(traffic -> traffic.route().kind() == kind)
                .mapToLong(Traffic::bytes)
                .sum();
    }
}
