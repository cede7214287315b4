package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.internal.cluster.LinkMeter;
import io.github.dl4jpipeline.partition.MachineLinks;
import java.io.IOException;
import java.io.Serializable;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.bytedeco.javacpp.Pointer;
import scala.collection.JavaConverters;
import scala.reflect.ClassTag$;

/** A short barrier job, in which as many workers as there will be measure the links between them. */
final class LinkJob
        extends scala.runtime.AbstractFunction1<scala.collection.Iterator<Integer>, scala.collection.Iterator<String>>
        implements Serializable {
    private static final long serialVersionUID = 1;
    private static final int SECRET_BYTES = 32;

    private final int workers;
    private final byte[] secret = new byte[SECRET_BYTES];

    private LinkJob(int workers) {
        this.workers = workers;
        new SecureRandom().nextBytes(secret);
    }

    /** What one worker says: where it is, how much memory it has for arrays, and how fast its link to the next one is. */
    private record Link(String machine, long memoryBytes, double bytesPerSecond, double latencyMillis) {
        static Link of(String line) {
            String[] parts = line.split(" ", -1);
            return new Link(
                    parts[1], Long.parseLong(parts[2]), Double.parseDouble(parts[3]), Double.parseDouble(parts[4]));
        }

        String line(int worker) {
            return worker + " " + machine + " " + memoryBytes + " " + bytesPerSecond + " " + latencyMillis;
        }
    }

    /**
     * What has been measured.
     *
     * @param links between machines; on one machine each worker counts as a machine
     * @param memoryBytes of each worker, for arrays
     */
    record Cluster(MachineLinks links, long memoryBytes) {}

    static Cluster measure(JavaSparkContext sc, int workers) {
        String[] lines = (String[]) sc.parallelize(Collections.nCopies(workers, 0), workers)
                .rdd()
                .barrier()
                .mapPartitions(new LinkJob(workers), false, ClassTag$.MODULE$.<String>apply(String.class))
                .collect();
        List<Link> links = Work.byWorker(lines).stream().map(Link::of).toList();
        long machines = links.stream().map(Link::machine).distinct().count();
        List<Link> between = new ArrayList<>();
        for (int worker = 0; worker < links.size(); worker++) {
            Link link = links.get(worker);
            if (machines == 1
                    || !link.machine().equals(links.get((worker + 1) % workers).machine())) {
                between.add(link);
            }
        }
        double slowest =
                between.stream().mapToDouble(Link::bytesPerSecond).min().orElseThrow();
        double longest = between.stream().mapToDouble(Link::latencyMillis).max().orElseThrow();
        return new Cluster(
                new MachineLinks(
                        machines == 1 ? 1 : (int) ((workers + machines - 1) / machines),
                        slowest,
                        Duration.ofNanos(Math.round(longest * 1e6))),
                links.stream().mapToLong(Link::memoryBytes).min().orElseThrow());
    }

    @Override
    public scala.collection.Iterator<String> apply(scala.collection.Iterator<Integer> nothing) {
        BarrierTaskContext context = BarrierTaskContext.get();
        int worker = Work.worker(context);
        String machine = SparkEnv.get().blockManager().blockManagerId().host();
        if (workers == 1) { // it sends nothing
            return one(new Link(machine, memoryBytes(context), 1e12, 0).line(worker));
        }
        try (LinkMeter meter = new LinkMeter(worker, workers, InetAddress.getByName(machine), secret, Work.LIMITS)) {
            String[] lines = context.allGather(
                    worker + " " + machine + " " + meter.address().getPort());
            List<InetSocketAddress> addresses = Work.byWorker(lines).stream()
                    .map(line -> line.split(" ", -1))
                    .map(parts -> new InetSocketAddress(parts[1], Integer.parseInt(parts[2])))
                    .toList();
            LinkMeter.Measured measured = meter.measure(addresses);
            return one(new Link(machine, memoryBytes(context), measured.bytesPerSecond(), measured.latencyMillis())
                    .line(worker));
        } catch (IOException e) {
            throw new IllegalStateException("The links between workers cannot be measured: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static scala.collection.Iterator<String> one(String line) {
        return JavaConverters.asScalaIterator(List.of(line).iterator());
    }

    /** A task's share of what JavaCPP lets its process have for arrays. */
    private static long memoryBytes(BarrierTaskContext context) {
        String own = context.getTaskInfos()[context.partitionId()].address();
        long tasks = Arrays.stream(context.getTaskInfos())
                .filter(task -> task.address().equals(own))
                .count();
        long most = Pointer.maxBytes();
        return most <= 0 ? Long.MAX_VALUE : most / tasks;
    }
}
