package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.wire.Limits;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.ObjectInputStream;
import java.io.Serializable;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A worker in a process of its own, which {@link WorkerProcesses} starts. It reads its task from a file, says its port on standard output,
 * and hears the ports of all workers on standard input.
 */
public final class WorkerProcess {
    private static final Duration LONGEST_WAIT = Duration.ofMinutes(2);

    private WorkerProcess() {}

    /**
     * What a worker has to do.
     *
     * @param addresses of all workers
     * @param pieces of the batches of an epoch, the same in each
     * @param silence after which another member is given up
     */
    @SuppressWarnings("ArrayRecordComponent") // compared with nothing
    record Job(
            Assignment assignment,
            int worker,
            List<String> addresses,
            String host,
            int hostPort,
            byte[] secret,
            List<byte[]> pieces,
            Duration silence)
            implements Serializable {

        Limits limits() {
            Limits usual = Limits.USUAL;
            return new Limits(silence.dividedBy(8), silence, usual.connect(), usual.close());
        }

        List<WorkerName> names() {
            return addresses.stream()
                    .map(address -> new WorkerName("worker", address, "", 1))
                    .toList();
        }
    }

    /**
     * Trains, and ends the process.
     *
     * @param arguments the file with the task
     */
    public static void main(String[] arguments) throws IOException, ClassNotFoundException, InterruptedException {
        Job job;
        try (ObjectInputStream in = new ObjectInputStream(Files.newInputStream(Path.of(arguments[0])))) {
            job = (Job) in.readObject();
        }
        InetAddress own = InetAddress.getByName(job.addresses().get(job.worker()));
        try (ClusterPeers peers =
                new ClusterPeers(job.worker(), own, job.secret(), job.limits(), LONGEST_WAIT, () -> false)) {
            System.out.println(peers.address().getPort());
            System.out.flush();
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            String[] ports = String.valueOf(in.readLine()).split(" ", -1);
            List<InetSocketAddress> workers = java.util.stream.IntStream.range(0, ports.length)
                    .mapToObj(worker ->
                            new InetSocketAddress(job.addresses().get(worker), Integer.parseInt(ports[worker])))
                    .toList();
            try {
                InetSocketAddress host = new InetSocketAddress(job.host(), job.hostPort());
                peers.connect(job.names(), workers, host, job.limits().connect());
                Device anywhere = new Device("cpu", Device.Kind.CPU, List.of(-1), Long.MAX_VALUE, 1);
                new StageTraining(job.assignment(), peers, anywhere)
                        .run(() -> job.pieces().iterator());
            } catch (Throwable e) {
                peers.failed(e.getMessage() == null ? e.toString() : e.getMessage(), !ClusterPeers.isOfPeer(e));
                throw e;
            }
        }
        System.exit(0);
    }
}
