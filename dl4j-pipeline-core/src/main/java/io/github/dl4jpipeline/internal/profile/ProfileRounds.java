package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.device.DeviceRuntimes;
import io.github.dl4jpipeline.internal.device.DeviceThread;
import io.github.dl4jpipeline.internal.device.NativeHeap;
import io.github.dl4jpipeline.internal.device.WholeProcess;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.profile.WarmCopy.Passes;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * Measures a graph in several ways in turn, round after round. So what disturbs the machine for a while disturbs all
 * ways alike.
 */
public final class ProfileRounds implements AutoCloseable {
    private static final Duration CLOSE = Duration.ofMinutes(1);

    private final ComputationGraph graph;
    private final int vertices;
    private final List<WarmCopy> copies = new ArrayList<>();
    private final List<CopySlot> slots = new ArrayList<>();
    private final List<Way> ways = new ArrayList<>();

    /**
     * As many as run at the same time. The first runs on one device or all of them, as the way wants it: each thread keeps
     * what native code has allocated in it.
     */
    private final List<DeviceThread> threads = new ArrayList<>();

    /** A copy on a device. */
    public record Placed(WarmCopy copy, Device device) {}

    /** What runs at the same time, until the first has been measured, and the times of each. */
    private record Way(List<Placed> together, Passes passes, List<VertexTimer> times) {}

    private final Effort effort;
    private final Progress progress;
    private boolean isSmall = true;

    /** The first ways, which have been run once. */
    private int warm;

    private int done;
    private int expected;

    /** Is told after each measurement, in the thread that asked for them. */
    interface Progress {
        void measured(int done, int expected);
    }

    ProfileRounds(ComputationGraph graph, Effort effort, Progress progress) {
        this.graph = graph;
        this.effort = effort;
        this.progress = progress;
        this.vertices = VertexGraph.of(graph).size();
    }

    int vertices() {
        return vertices;
    }

    /** Memory for one copy at a time, which is freed with the others. */
    public CopySlot slot() {
        CopySlot slot = new CopySlot(graph);
        slots.add(slot);
        return slot;
    }

    /** One more copy, which is freed with the others. */
    public WarmCopy copy(MicroBatch sample, KernelChoice kernels, CopySlot slot) {
        WarmCopy copy = new WarmCopy(graph, sample, kernels, slot);
        copies.add(copy);
        return copy;
    }

    /** One more way to measure, and the times, once they have been measured. */
    VertexTimer way(WarmCopy copy, Device device) {
        return way(copy, device, Passes.ONCE);
    }

    /** One more way, with the passes run so. */
    VertexTimer way(WarmCopy copy, Device device, Passes passes) {
        return way(List.of(new Placed(copy, device)), passes).get(0);
    }

    /**
     * One more way to measure.
     *
     * @param together what runs at the same time, at least one, on devices that are alike
     * @return the times of each, once they have been measured
     */
    List<VertexTimer> way(List<Placed> together) {
        return way(together, Passes.ONCE);
    }

    private List<VertexTimer> way(List<Placed> together, Passes passes) {
        List<VertexTimer> times =
                together.stream().map(placed -> new VertexTimer(vertices)).toList();
        ways.add(new Way(together, passes, times));
        return times;
    }

    /** Warms up the ways that there are. Returns whether that takes no longer than a small graph's first passes. */
    boolean beginWarmUp() {
        long start = System.nanoTime();
        warmUpOnce();
        isSmall = System.nanoTime() - start <= effort.firstNanos();
        return isSmall;
    }

    /** In the first pass, memory is taken array by array, and then freed and taken as a whole. */
    private void warmUpOnce() {
        for (Way way : ways.subList(warm, ways.size())) {
            measure(way);
            NativeHeap.giveBack();
        }
        warm = ways.size();
    }

    /** Measures each way in turn, again and again. The first times do not count. */
    void run() {
        int warmUp = isSmall ? effort.warmUp() : 1;
        expected = ways.size() * (warmUp + effort.most());
        warmUpOnce();
        for (int round = 1; round < warmUp; round++) {
            ways.forEach(this::measure);
        }
        long start = System.nanoTime();
        for (int round = 0;
                round < effort.least() || (round < effort.most() && System.nanoTime() - start < effort.nanos());
                round++) {
            for (Way way : ways) {
                List<VertexTimer> measured = measure(way);
                for (int i = 0; i < measured.size(); i++) {
                    way.times().get(i).add(measured.get(i));
                }
            }
        }
    }

    private List<VertexTimer> measure(Way way) {
        int ofEach = way.together().get(0).device().threads();
        try (WholeProcess.Limit ignored = WholeProcess.limitThreads(ofEach)) {
            Placed measured = way.together().get(0);
            Future<VertexTimer> first = thread(0).submit(() -> measure(measured, way.passes()));
            List<Future<VertexTimer>> all = new ArrayList<>(List.of(first));
            for (Placed other : way.together().subList(1, way.together().size())) {
                all.add(thread(all.size()).submit(() -> measureBeside(other, first)));
            }
            List<VertexTimer> times = all.stream().map(ProfileRounds::result).toList();
            progress.measured(++done, Math.max(done, expected));
            return times;
        }
    }

    private DeviceThread thread(int index) {
        if (threads.size() == index) {
            threads.add(DeviceThread.unbound("profile-" + index));
        }
        return threads.get(index);
    }

    private VertexTimer measure(Placed placed, Passes passes) {
        DeviceThread.bindForHostArrays(placed.device());
        return placed.copy().measure(passes, DeviceRuntimes.of(placed.device()), effort.runsNanos());
    }

    private static VertexTimer measureBeside(Placed placed, Future<?> other) {
        DeviceThread.bindForHostArrays(placed.device());
        return placed.copy().measureBeside(other, DeviceRuntimes.of(placed.device()));
    }

    /**
     * Waits for a measurement.
     *
     * @throws VertexFailure if the code of a vertex fails
     */
    public static <T> T result(Future<T> run) {
        try {
            return run.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof VertexFailure failure) {
                throw failure;
            }
            throw new IllegalArgumentException(
                    "Cannot profile the graph with this sample: " + e.getCause().getMessage(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while profiling", e);
        }
    }

    /** Frees the memory, after what has begun; it is left to the garbage collector if that does not end. */
    @Override
    public void close() {
        threads.forEach(DeviceThread::close);
        if (DeviceThread.awaitEnd(threads, CLOSE)) {
            NativeHeap.giveBack(() -> {
                copies.forEach(WarmCopy::free);
                slots.forEach(CopySlot::free);
            });
        }
    }
}
