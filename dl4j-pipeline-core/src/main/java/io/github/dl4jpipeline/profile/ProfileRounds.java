package io.github.dl4jpipeline.profile;

import io.github.dl4jpipeline.device.CpuRuntime;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.kernel.KernelChoice;
import io.github.dl4jpipeline.kernel.MicroBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Measures a graph in several ways in turn, and then all of them again, so that what disturbs the machine for a while
 * disturbs all alike.
 */
final class ProfileRounds implements AutoCloseable {
    private static final int WARM_UP = 2;
    private static final int LEAST = 3;
    private static final int MOST = 6;
    private static final long NANOS = 5_000_000_000L;

    private final ComputationGraph graph;
    private final int vertices;
    private final List<WarmReplica> replicas = new ArrayList<>();
    private final List<Way> ways = new ArrayList<>();

    /** By device: replicas of one device never run at the same time, so they share the array for gradients. */
    private final Map<String, INDArray> gradients = new ConcurrentHashMap<>();

    /** Replicas that run at the same time, with how many threads each, and the times of the first. */
    private record Way(List<WarmReplica> replicas, int threads, VertexTimer times) {}

    ProfileRounds(ComputationGraph graph) {
        this.graph = graph;
        this.vertices = VertexGraph.of(graph).size();
    }

    /** One more replica, which is freed with the others. */
    WarmReplica replica(MicroBatch sample, Device device, KernelChoice kernels) {
        WarmReplica replica = new WarmReplica(graph, sample, device, kernels, () -> gradients(device));
        replicas.add(replica);
        return replica;
    }

    private INDArray gradients(Device device) {
        return gradients.computeIfAbsent(
                device.id(), id -> Nd4j.create(graph.params().dataType(), graph.numParams()));
    }

    /**
     * One more way to measure.
     *
     * @param together replicas that run at the same time
     * @param threads of each
     * @return the times of the first, once {@link #run} has measured them; none if there are no replicas
     */
    VertexTimer way(List<WarmReplica> together, int threads) {
        Way way = new Way(together, threads, new VertexTimer(vertices));
        if (!together.isEmpty()) {
            ways.add(way);
        }
        return way.times();
    }

    /** Measures each way in turn, again and again. */
    void run() {
        long start = 0;
        for (int round = -WARM_UP; round < LEAST || (round < MOST && System.nanoTime() - start < NANOS); round++) {
            if (round == 0) {
                start = System.nanoTime();
            }
            for (Way way : ways) {
                VertexTimer timer = measure(way);
                if (round >= 0) {
                    way.times().add(timer);
                }
            }
        }
    }

    private static VertexTimer measure(Way way) {
        try (CpuRuntime.Limit ignored = CpuRuntime.limitThreads(way.threads())) {
            List<Future<VertexTimer>> runs =
                    way.replicas().stream().map(WarmReplica::measure).toList();
            List<VertexTimer> timers = new ArrayList<>();
            for (Future<VertexTimer> run : runs) {
                timers.add(result(run));
            }
            return timers.get(0);
        }
    }

    /** Waits for a measurement. */
    static <T> T result(Future<T> run) {
        try {
            return run.get();
        } catch (ExecutionException e) {
            throw new IllegalArgumentException(
                    "Cannot profile the graph with this sample: " + e.getCause().getMessage(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while profiling", e);
        }
    }

    @Override
    public void close() {
        replicas.forEach(WarmReplica::close);
        if (replicas.stream().allMatch(WarmReplica::hasEnded)) {
            gradients.values().forEach(INDArray::close);
        }
    }
}
