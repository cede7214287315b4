package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.cluster.Assignment;
import io.github.dl4jpipeline.internal.cluster.ClusterPeers;
import io.github.dl4jpipeline.internal.cluster.PeerFailure;
import io.github.dl4jpipeline.internal.cluster.Placement;
import io.github.dl4jpipeline.internal.cluster.StageTraining;
import io.github.dl4jpipeline.internal.cluster.WorkerName;
import io.github.dl4jpipeline.internal.wire.Limits;
import java.io.IOException;
import java.io.Serializable;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;

/**
 * What each task of the barrier job does: it is one worker. A worker has no number of its own before the job runs, and another executor
 * may have it in the next attempt.
 *
 * @param places stage and replica of each worker, for messages
 * @param secret of the group
 * @param host where the driver listens
 * @param port where the driver listens
 */
@SuppressWarnings("ArrayRecordComponent") // compared with nothing
record Work(Assignment assignment, List<String> places, byte[] secret, String host, int port) implements Serializable {
    /** A silent peer is given up early enough for the driver to say so within ten seconds. */
    static final Limits LIMITS =
            new Limits(Duration.ofSeconds(1), Duration.ofSeconds(8), Duration.ofSeconds(30), Duration.ofSeconds(3));

    private static final Duration LONGEST_WAIT = Duration.ofMinutes(10);

    /**
     * Trains one replica of one stage to the end, in an executor.
     *
     * @param pieces gives those of a worker, for one epoch
     */
    void run(BarrierTaskContext context, IntFunction<Iterator<byte[]>> pieces)
            throws IOException, InterruptedException {
        int worker = worker(context);
        String machine = SparkEnv.get().blockManager().blockManagerId().host();
        WorkerName name = new WorkerName(
                places.get(worker),
                machine,
                SparkEnv.get().executorId(),
                ProcessHandle.current().pid());
        try (ClusterPeers peers = new ClusterPeers(
                worker, InetAddress.getByName(machine), secret, LIMITS, LONGEST_WAIT, context::isInterrupted)) {
            List<WorkerName> names = new ArrayList<>();
            List<InetSocketAddress> addresses = new ArrayList<>();
            for (String line :
                    byWorker(context.allGather(worker + " " + peers.address().getPort() + " " + name.line()))) {
                String[] parts = line.split(" ", 3);
                names.add(WorkerName.of(parts[2]));
                addresses.add(new InetSocketAddress(names.get(names.size() - 1).machine(), Integer.parseInt(parts[1])));
            }
            try {
                connect(peers, names, addresses);
                new StageTraining(assignment, peers, device(Math.max(1, context.cpus())))
                        .run(() -> pieces.apply(worker));
            } catch (Throwable e) {
                peers.failed(e.getMessage() == null ? e.toString() : e.getMessage(), !ClusterPeers.isOfPeer(e));
                throw e;
            }
        }
    }

    /** The worker that a task is. */
    static int worker(BarrierTaskContext context) {
        List<String> machines = Arrays.stream(context.getTaskInfos())
                .map(task -> task.address().replaceFirst(":[0-9]+$", ""))
                .toList();
        return Placement.worker(machines, context.partitionId());
    }

    /** Lines that begin with the number of a worker, in the order of these. */
    static List<String> byWorker(String[] lines) {
        return Arrays.stream(lines)
                .sorted(Comparator.comparingInt(line -> Integer.parseInt(line.substring(0, line.indexOf(' ')))))
                .toList();
    }

    /** A member that is not there may be another time. */
    private void connect(ClusterPeers peers, List<WorkerName> names, List<InetSocketAddress> addresses)
            throws InterruptedException {
        try {
            peers.connect(names, addresses, new InetSocketAddress(host, port), LIMITS.connect());
        } catch (IOException e) {
            throw new PeerFailure(String.valueOf(e.getMessage()), e);
        }
    }

    /** Core numbers that there are not: threads are not pinned, since executors of others may be on the same machine. */
    private static Device device(int threads) {
        List<Integer> anywhere =
                IntStream.rangeClosed(1, threads).map(number -> -number).boxed().toList();
        return new Device("cpu", Device.Kind.CPU, anywhere, Long.MAX_VALUE, 1);
    }
}
