package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.cluster.Assignment;
import io.github.dl4jpipeline.internal.cluster.BatchCutter;
import io.github.dl4jpipeline.internal.cluster.TrainingHost;
import io.github.dl4jpipeline.internal.cluster.WorkerLostException;
import io.github.dl4jpipeline.partition.PartitionPlan;
import java.io.IOException;
import java.net.InetAddress;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Tuple2;

/**
 * The driver's side: a barrier job of workers, and another one from the last checkpoint if they are lost.
 *
 * <pre>
 * fit                       until it is done, or has been restarted too often
 *   attempt                 one barrier job
 *     WorkersRdd.start      in the executors: Work.run
 *     TrainingHost.run      gives out the model, tells of steps, takes checkpoints, until the last of them
 * </pre>
 */
public final class SparkTraining {
    private static final Logger log = LoggerFactory.getLogger(SparkTraining.class);
    private static final int SECRET_BYTES = 32;
    private static final int SECONDS_TO_END = 10;

    private final JavaSparkContext sc;
    private final ComputationGraph graph;
    private final SparkSettings settings;
    private volatile @Nullable PartitionPlan plan;

    public SparkTraining(JavaSparkContext sc, ComputationGraph graph, SparkSettings settings) {
        this.sc = sc;
        this.graph = graph;
        this.settings = settings;
        this.plan = settings.plan().orElse(null);
    }

    /** How the graph is trained; empty before the first {@link #fit} if that makes the plan. */
    public Optional<PartitionPlan> plan() {
        return Optional.ofNullable(plan);
    }

    private PartitionPlan plan(JavaRDD<MultiDataSet> batches) {
        PartitionPlan present = plan;
        if (present != null) {
            return present;
        }
        ClusterPlanning planning = new ClusterPlanning(sc, graph, settings.choice());
        try (Executors executors = new Executors(sc)) {
            if (settings.choice().workers().isPresent()) {
                executors.awaitSlots(settings.choice().leastWorkers(), settings.waitForExecutors());
            } else {
                executors.awaitAll(settings.choice().leastWorkers(), settings.waitForExecutors());
            }
            PartitionPlan made = planning.plan(batches, executors.slots());
            plan = made;
            return made;
        }
    }

    /** Trains with every batch, so many times. */
    public synchronized void fit(JavaRDD<MultiDataSet> batches, int epochs) {
        PartitionPlan used = plan(batches);
        BatchCutter cutter = new BatchCutter(VertexGraph.of(graph), graph.getConfiguration(), used);
        JavaPairRDD<Tuple2<Integer, Long>, byte[]> pieces = JavaPairRDD.fromJavaRDD(
                        batches.mapPartitionsWithIndex(new CutPartition(cutter), true))
                .repartitionAndSortWithinPartitions(new PieceKey.OfWorkers(cutter.workers()), new PieceKey.Order());
        DriverSteps steps = new DriverSteps(
                graph, settings.checkpointPath().map(path -> new CheckpointFile(path, sc.hadoopConfiguration())));
        int until = graph.getEpochCount() + epochs;
        boolean done = false;
        try (Executors executors = new Executors(sc)) {
            for (int restarts = 0; !done; restarts++) {
                executors.awaitSlots(cutter.workers(), settings.waitForExecutors());
                try {
                    attempt(used, pieces, steps, until);
                    done = true;
                } catch (WorkerLostException e) {
                    requireRestarts(restarts, e, steps);
                    executors.replace(e.executors());
                }
            }
        } finally {
            if (!done) {
                steps.backToCheckpoint();
            }
        }
    }

    private void requireRestarts(int restarts, WorkerLostException lost, DriverSteps steps) {
        if (restarts >= settings.maxRestarts()) {
            throw new PipelineException(
                    lost.getMessage() + "; maxRestarts(" + settings.maxRestarts()
                            + ") allows no other start. The graph is as" + " after "
                            + steps.checkpoint().iteration() + " steps",
                    lost);
        }
        log.warn(
                "{}; training goes on from step {}",
                lost.getMessage(),
                steps.checkpoint().iteration());
    }

    private void attempt(
            PartitionPlan used, JavaPairRDD<Tuple2<Integer, Long>, byte[]> pieces, DriverSteps steps, int untilEpoch) {
        List<String> places = places(used);
        byte[] secret = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(secret);
        @Nullable INDArray state = graph.getUpdater(true).getStateViewArray();
        SparkConf conf = sc.getConf();
        String host = conf.get("spark.driver.host");
        JavaFutureAction<?> job = null;
        try (TrainingHost trainingHost =
                new TrainingHost(places.size(), graph.params(), state, bindAddress(conf, host), secret, Work.LIMITS)) {
            Assignment assignment = new Assignment(
                    graph.getConfiguration().toJson(),
                    used.toJson(),
                    graph.params().length(),
                    state == null ? 0 : state.length(),
                    steps.checkpoint(),
                    untilEpoch,
                    settings.checkpointEvery(),
                    settings.perMicroBatch());
            Work work = new Work(
                    assignment, places, secret, host, trainingHost.address().getPort());
            job = WorkersRdd.start(pieces.rdd(), work);
            JavaFutureAction<?> running = job;
            trainingHost.run(
                    steps, () -> failureOf(running), Work.LIMITS.connect().multipliedBy(2));
        } catch (IOException e) {
            throw new PipelineException(
                    "The driver cannot listen for workers at spark.driver.host=" + host + ": " + e.getMessage()
                            + "; set spark.driver.host to an address of the driver that executors reach",
                    e);
        } catch (PipelineException e) {
            throw job != null && isOfExecutors(e.getCause(), job) ? lost(e) : e;
        } finally {
            end(job);
        }
    }

    private static WorkerLostException lost(PipelineException e) {
        return new WorkerLostException(e.getMessage(), e.getCause(), Set.of());
    }

    private static InetAddress bindAddress(SparkConf conf, String host) throws IOException {
        InetAddress asked = InetAddress.getByName(conf.get("spark.driver.bindAddress", host));
        return asked.isAnyLocalAddress() ? InetAddress.getByName(host) : asked;
    }

    /** By stage, as plans count workers. */
    private static List<String> places(PartitionPlan plan) {
        List<String> places = new ArrayList<>();
        for (int stage = 0; stage < plan.stages().size(); stage++) {
            int replicas = plan.stages().get(stage).replicas();
            for (int replica = 0; replica < replicas; replica++) {
                places.add("stage " + stage + (replicas > 1 ? ", replica " + replica : ""));
            }
        }
        return places;
    }

    private static @Nullable Throwable failureOf(JavaFutureAction<?> job) {
        if (!job.isDone()) {
            return null;
        }
        try {
            job.get();
            return null;
        } catch (ExecutionException e) {
            return e.getCause() == null ? e : e.getCause();
        } catch (CancellationException e) {
            return e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return e;
        }
    }

    /** Whether the job has ended because tasks of the barrier stage did, and not for what its data are computed with. */
    private static boolean isOfExecutors(@Nullable Throwable cause, JavaFutureAction<?> job) {
        return cause != null
                && job.isDone()
                && cause == failureOf(job)
                && String.valueOf(cause.getMessage()).contains("barrier ResultStage");
    }

    private static void end(@Nullable JavaFutureAction<?> job) {
        if (job == null) {
            return;
        }
        try {
            job.get(1, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            job.cancel(true);
            awaitEnd(job);
        } catch (ExecutionException | CancellationException e) {
            log.debug("The job has ended", e);
        } catch (InterruptedException e) {
            job.cancel(true);
            Thread.currentThread().interrupt();
        }
    }

    private static void awaitEnd(JavaFutureAction<?> job) {
        try {
            job.get(SECONDS_TO_END, TimeUnit.SECONDS);
        } catch (ExecutionException | CancellationException | TimeoutException e) {
            log.debug("The job has ended", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
