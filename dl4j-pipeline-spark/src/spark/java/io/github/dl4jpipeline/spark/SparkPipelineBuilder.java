package io.github.dl4jpipeline.spark;

import io.github.dl4jpipeline.exception.UnsupportedGraphException;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.cluster.SupportAmongProcesses;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.graph.ExampleCoupling;
import io.github.dl4jpipeline.internal.partition.StageAssignment;
import io.github.dl4jpipeline.internal.spark.Choice;
import io.github.dl4jpipeline.internal.spark.SparkSettings;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.graph.ComputationGraph;

/** Settings of a {@link SparkPipeline}. All of them can be left out. */
public final class SparkPipelineBuilder {
    private final JavaSparkContext sc;
    private final ComputationGraph graph;
    private OptionalInt stages = OptionalInt.empty();
    private OptionalInt replicas = OptionalInt.empty();
    private OptionalInt microBatches = OptionalInt.empty();
    private Optional<PartitionPlan> plan = Optional.empty();
    private boolean even;
    private BatchNormStatistics batchNorm = BatchNormStatistics.FULL_BATCH;
    private Set<Class<?>> exampleIndependent = Set.of();
    private int checkpointEvery = 100;
    private Optional<String> checkpointPath = Optional.empty();
    private int maxRestarts = 3;
    private Duration waitForExecutors = Duration.ofMinutes(2);

    SparkPipelineBuilder(JavaSparkContext sc, ComputationGraph graph) {
        this.sc = sc;
        this.graph = graph;
    }

    /** Number of stages, each on executors of its own; default: the planner chooses. */
    public SparkPipelineBuilder stages(int number) {
        stages = OptionalInt.of(atLeast(1, "stages", number));
        return this;
    }

    /** Number of replicas of each stage, which share its micro-batches; default: the planner chooses. */
    public SparkPipelineBuilder replicas(int number) {
        replicas = OptionalInt.of(atLeast(1, "replicas", number));
        return this;
    }

    /** Number of micro-batches of a batch; default: the planner chooses. */
    public SparkPipelineBuilder microBatches(int number) {
        microBatches = OptionalInt.of(atLeast(1, "microBatches", number));
        return this;
    }

    /**
     * How to cut the graph, such as a plan of {@link io.github.dl4jpipeline.plan.ClusterPlanner}. Its devices only count the replicas.
     * By default the first {@code fit} makes one: the driver profiles the graph, and the workers measure the links between them.
     */
    public SparkPipelineBuilder plan(PartitionPlan value) {
        plan = Optional.of(Given.notNull("plan", value));
        return this;
    }

    /**
     * Stages with about as many vertices each, without anything measured; 2, or 1 with replicas, unless {@link #stages} says how many.
     * Default 1 replica, and 4 micro-batches for each, or 1 if there is one stage.
     */
    public SparkPipelineBuilder evenStages() {
        even = true;
        return this;
    }

    /** Over which examples batch normalization takes its statistics; default the full batch, which needs one micro-batch. */
    public SparkPipelineBuilder batchNorm(BatchNormStatistics value) {
        batchNorm = Given.notNull("batchNorm", value);
        return this;
    }

    /** Classes of your own layers, vertices and losses of which you know that they treat the examples of a batch independently. */
    public SparkPipelineBuilder exampleIndependent(Class<?>... classes) {
        exampleIndependent = Set.of(classes);
        return this;
    }

    /** Steps between two checkpoints, from which training goes on if executors are lost; default 100, 0 for none. */
    public SparkPipelineBuilder checkpointEvery(int steps) {
        checkpointEvery = atLeast(0, "checkpointEvery", steps);
        return this;
    }

    /**
     * A directory of any file system that Hadoop knows, such as {@code hdfs:///models/a}. Every checkpoint is also written there, as
     * {@code checkpoint.zip}, which {@code ComputationGraph.load} reads. By default checkpoints are only in the driver's memory.
     */
    public SparkPipelineBuilder checkpointTo(String directory) {
        checkpointPath = Optional.of(Given.notNull("checkpointTo", directory));
        return this;
    }

    /** How often training may go on from a checkpoint after executors were lost; default 3. */
    public SparkPipelineBuilder maxRestarts(int number) {
        maxRestarts = atLeast(0, "maxRestarts", number);
        return this;
    }

    /** How long to wait until as many tasks as there are workers can run at the same time; default two minutes. */
    public SparkPipelineBuilder waitForExecutors(Duration limit) {
        waitForExecutors = Given.notNull("waitForExecutors", limit);
        return this;
    }

    private static int atLeast(int least, String setting, int value) {
        if (value < least) {
            throw new IllegalArgumentException(setting + "(" + value + ") is too small; it must be at least " + least);
        }
        return value;
    }

    /**
     * Checks everything that can be checked without training.
     *
     * @throws IllegalArgumentException if settings contradict each other, the graph or Spark's settings; the message says what to do
     * @throws UnsupportedGraphException if the graph cannot be trained by several processes
     */
    public SparkPipeline build() {
        graph.init();
        requireFixedExecutors();
        SupportAmongProcesses.require(graph);
        plan.ifPresent(this::requireUsable);
        Choice choice = new Choice(stages, replicas, microBatches, couplings().isEmpty());
        PartitionPlan evenPlan = choice.evenPlan(VertexGraph.of(graph));
        requireSplittable(plan.orElse(evenPlan));
        return new SparkPipeline(
                sc,
                graph,
                new SparkSettings(
                        even ? Optional.of(evenPlan) : plan,
                        choice,
                        batchNorm == BatchNormStatistics.PER_MICRO_BATCH,
                        checkpointEvery,
                        checkpointPath,
                        maxRestarts,
                        waitForExecutors));
    }

    private void requireFixedExecutors() {
        if (sc.getConf().getBoolean("spark.dynamicAllocation.enabled", false)) {
            throw new IllegalArgumentException(
                    "spark.dynamicAllocation.enabled=true: all workers train at the same time, so"
                            + " executors must not come and go; set it to false, and spark.executor.instances to the number of workers");
        }
    }

    private void requireUsable(PartitionPlan given) {
        if (even) {
            throw new IllegalArgumentException("evenStages() contradicts plan(); leave one of them out");
        }
        requireSame("stages", stages, given.stages().size(), "stages");
        requireSame("microBatches", microBatches, given.microBatches(), "micro-batches");
        for (Stage stage : given.stages()) {
            requireSame("replicas", replicas, stage.replicas(), "replicas of a stage");
        }
        if (given.tiling().isPresent()) {
            throw new IllegalArgumentException(
                    "plan: it runs vertices in tiles, which executors cannot do; make it without tiling");
        }
        StageAssignment.of(given, VertexGraph.of(graph));
    }

    private static void requireSame(String setting, OptionalInt asked, int planned, String what) {
        if (asked.isPresent() && asked.getAsInt() != planned) {
            throw new IllegalArgumentException(setting + "(" + asked.getAsInt() + ") contradicts the plan, which has "
                    + planned + " " + what + "; leave " + setting + " out");
        }
    }

    private void requireSplittable(PartitionPlan used) {
        int parts = used.microBatches();
        int most = used.stages().stream().mapToInt(Stage::replicas).max().orElse(1);
        List<ExampleCoupling> couplings = couplings();
        if (!couplings.isEmpty() && (parts > 1 || most > 1)) {
            ExampleCoupling first = couplings.get(0);
            throw new IllegalArgumentException("microBatches(" + parts + "), replicas(" + most + "): vertex '"
                    + first.vertex() + "' needs the whole batch at once: " + first.reason()
                    + "; ask for microBatches(1) and replicas(1)"
                    + (first.batchNorm() ? ", or batchNorm(PER_MICRO_BATCH), which has another result" : ""));
        }
        if (most > parts) {
            throw new IllegalArgumentException(
                    "replicas(" + most + ") share the micro-batches of a stage, but microBatches(" + parts
                            + ") leaves some without any; ask for at least " + most
                            + " micro-batches, or fewer replicas");
        }
    }

    private List<ExampleCoupling> couplings() {
        return ExampleCoupling.in(graph, batchNorm, exampleIndependent);
    }
}
