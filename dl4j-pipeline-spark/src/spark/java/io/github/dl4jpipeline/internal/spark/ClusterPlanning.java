package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.NoPlanException;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.profile.Effort;
import io.github.dl4jpipeline.internal.profile.Profiling;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.ClusterPlanner;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the plan for a cluster before the first step: the driver profiles the graph, workers measure the links between them, and the
 * planner chooses what the user has not.
 */
final class ClusterPlanning {
    private static final Logger log = LoggerFactory.getLogger(ClusterPlanning.class);

    /** The search takes time in proportion to the square of their number. */
    private static final int MOST_WORKERS = 64;

    /** What starting threads and messages of a step takes where there are several workers, besides sending. */
    private static final Duration COST_OF_STEP = Duration.ofMillis(3);

    private final JavaSparkContext sc;
    private final ComputationGraph graph;
    private final Choice choice;

    ClusterPlanning(JavaSparkContext sc, ComputationGraph graph, Choice choice) {
        this.sc = sc;
        this.graph = graph;
        this.choice = choice;
    }

    /**
     * The plan.
     *
     * @param slots how many workers the cluster has room for
     */
    PartitionPlan plan(JavaRDD<MultiDataSet> batches, int slots) {
        int workers = choice.workers().orElse(Math.min(slots, MOST_WORKERS));
        GraphProfile profile;
        LinkJob.Cluster cluster;
        MicroBatch sample;
        try {
            sample = batches.map(BatchShape::of).first().sample();
            profile = profile(sample);
            cluster = LinkJob.measure(sc, workers);
        } catch (RuntimeException | OutOfMemoryError e) {
            log.warn(
                    "The cluster cannot be measured, so stages have about as many vertices each: {}",
                    e.getMessage(),
                    e);
            return choice.evenPlan(VertexGraph.of(graph));
        }
        PlanOptions options =
                choice.options().withExamples((int) sample.examples()).withMachines(cluster.links());
        PartitionPlan several = Planner.plan(
                profile.forSeparateDevices(), devices(workers, profile, options, cluster.memoryBytes()), options);
        PartitionPlan plan = choice.isOpen()
                ? oneIfAsFast(several, profile, devices(1, profile, options, cluster.memoryBytes()), options)
                : several;
        log.info(
                "Links between workers: {} MB/s, latency {} ms, {} workers a machine\n{}",
                Math.round(cluster.links().bytesPerSecond() / 1e6),
                cluster.links().latency().toNanos() / 1e6,
                cluster.links().devicesPerMachine(),
                plan.explain());
        if (plan.workers() == 1 && workers > 1) {
            log.warn(
                    "One worker is predicted to be faster than {}: what others would save is less than sending takes."
                            + " Training runs in one; ask for stages or replicas to use more",
                    workers);
        }
        return plan;
    }

    /** The plan for one worker, unless several save more than a step among them costs in any case. */
    private static PartitionPlan oneIfAsFast(
            PartitionPlan several, GraphProfile profile, Devices one, PlanOptions options) {
        if (several.workers() == 1) {
            return several;
        }
        try {
            PartitionPlan alone = Planner.plan(profile.forSeparateDevices(), one, options);
            Duration saved = alone.predictedStepTime().minus(several.predictedStepTime());
            return saved.compareTo(COST_OF_STEP) <= 0 ? alone : several;
        } catch (NoPlanException e) { // it has too little memory
            return several;
        }
    }

    private GraphProfile profile(MicroBatch sample) {
        int examples = (int) sample.examples();
        int parts = examples / GraphProfiler.usualExamples(examples);
        MicroBatch part = choice.canSplit() ? sample.split(parts).get(0) : sample;
        return Profiling.profile(
                graph, part, Devices.cpu(), Kernels.FAST, choice.canSplit(), Effort.BRIEF, progress -> {});
    }

    /** Workers that are alike: the driver's cores are taken to be like theirs. */
    private Devices devices(int workers, GraphProfile profile, PlanOptions options, long memoryBytes) {
        int threads = sc.getConf().getInt("spark.task.cpus", 1);
        List<Integer> cores = IntStream.range(0, threads).boxed().toList();
        double speed = ClusterPlanner.speed(profile, threads, options);
        return new Devices(IntStream.range(0, workers)
                .mapToObj(worker -> new Device("worker-" + worker, Device.Kind.CPU, cores, memoryBytes, speed))
                .toList());
    }
}
