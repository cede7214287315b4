package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.internal.partition.TextTable;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Predicted against measured steps, for plans of many kinds. Profiles and steps take turns: a machine whose speed changes from
 * minute to minute does so for both, and each prediction is compared with the steps right after its profile.
 */
@Command(
        name = "prediction",
        description = "Predicted and latest step times beside measured ones, and the chosen plan beside the best.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class Prediction implements Callable<Integer> {
    private static final int WARM_UP = 2;
    private static final int MOST_TRIAL_STEPS = 2_000;

    @Option(names = "--model", description = "Name of an example model.")
    private String model = "alexnet-cifar";

    @Option(names = "--batch", description = "Examples of a batch; 0 for the model's usual number.")
    private int batch;

    @Option(names = "--micro-batches", split = ",", description = "Numbers of micro-batches.")
    private List<Integer> microBatches = List.of(1, 4, 8);

    @Option(names = "--stages", split = ",", description = "Numbers of stages.")
    private List<Integer> stages = List.of(1, 2);

    @Option(names = "--replicas", split = ",", description = "Numbers of replicas of every stage.")
    private List<Integer> replicas = List.of(1, 2);

    @Option(names = "--rounds", description = "Profiles, each of which is followed by steps of every plan.")
    private int rounds = 5;

    @Option(names = "--steps", description = "Measured steps of a plan in a round.")
    private int steps = 4;

    @Option(names = "--kept-steps", description = "Steps with the plan that is kept, right after it has been chosen.")
    private int keptSteps;

    @Override
    public Integer call() {
        NamedModel network = NamedModel.of(model, 42);
        ComputationGraph graph = network.graph();
        int examples = batch > 0 ? batch : NamedModel.usualBatch(model);
        DataSet data = RandomBatch.of(network.shape(), examples, 42);
        DataSet sample = RandomBatch.of(network.shape(), GraphProfiler.usualExamples(examples), 42);
        PlanOptions options = PlanOptions.defaults().withExamples(examples);
        System.out.printf("%s, batch %d%n", model, examples);
        PartitionPlan chosen = chosen(graph, data);
        GraphProfile profile = GraphProfiler.profile(graph, sample);
        List<PredictedRun> runs = new ArrayList<>();
        try {
            runs.add(new PredictedRun(graph, profile, chosen, options));
            for (int stageCount : stages) {
                for (int replicaCount : replicas) {
                    for (int count : microBatches) {
                        add(
                                runs,
                                graph,
                                profile,
                                options.withStages(stageCount)
                                        .withReplicas(replicaCount)
                                        .withMicroBatches(count));
                    }
                }
            }
            runs.forEach(run -> run.run(data, WARM_UP, 0));
            for (int round = 0; round < rounds; round++) {
                GraphProfile present = GraphProfiler.profile(graph, sample);
                System.out.printf(Locale.ROOT, "profile %.1f ms, %s%n", present.totalMillis(), present.machine());
                runs.forEach(run -> run.round(present, data, steps));
            }
            report(runs);
        } finally {
            runs.forEach(PredictedRun::close);
        }
        return 0;
    }

    /** The plan that the pipeline keeps by itself, after it has tried those that may be the fastest. */
    private PartitionPlan chosen(ComputationGraph graph, DataSet data) {
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .batchNorm(BatchNormStatistics.PER_MICRO_BATCH)
                .build()) {
            int step = 0;
            do {
                net.fit(data);
            } while (++step < MOST_TRIAL_STEPS && !net.report().settled());
            System.out.printf("Kept after %d steps: %s%n%s", step, net.plan().summary(), net.report());
            PartitionPlan kept = net.plan();
            reportKept(net, kept, data);
            return kept;
        }
    }

    /** Holds further steps against the latest execution time that the plan has, until another follows. */
    private void reportKept(PipelineComputationGraph net, PartitionPlan kept, DataSet data) {
        double latest = kept.latestExecutionTime().toNanos() / 1e6;
        StepClock clock = new StepClock(net);
        List<Double> millis = new ArrayList<>();
        for (int step = 0; step < keptSteps && net.plan().runsLike(kept); step++) {
            millis.add(clock.fit(data));
        }
        if (!millis.isEmpty()) {
            double mean =
                    millis.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
            System.out.printf(
                    Locale.ROOT,
                    "Then %d steps: mean %.1f ms, 95 %% of them within %.1f ms; latest execution time %.1f ms, %.2f times"
                            + " the mean, kept by %.1f %%%n",
                    millis.size(),
                    mean,
                    PredictedRun.quantile(millis, 0.95),
                    latest,
                    latest / mean,
                    100.0 * millis.stream().filter(time -> time <= latest).count() / millis.size());
        }
    }

    private static void add(
            List<PredictedRun> runs, ComputationGraph graph, GraphProfile profile, PlanOptions options) {
        int workers = options.stages().getAsInt() * options.replicas().getAsInt();
        if (workers <= Devices.cpu().size()
                && options.replicas().getAsInt() <= options.microBatches().getAsInt()) {
            runs.add(new PredictedRun(graph, profile, Planner.plan(profile, Devices.cpu(), options), options));
        }
    }

    private static void report(List<PredictedRun> runs) {
        PredictedRun chosen = runs.get(0);
        double chosenMillis = chosen.median();
        PredictedRun fastest = runs.stream()
                .min(Comparator.comparingDouble(PredictedRun::median))
                .orElseThrow();
        double fastestMillis = fastest.median();
        TextTable table = new TextTable(PredictedRun.headings());
        runs.forEach(run -> table.row(run.cells()));
        System.out.print(table);
        System.out.printf(
                Locale.ROOT,
                "The chosen plan, %s, takes %.1f ms, %.2f times the fastest measured (%s, %.1f ms)%n",
                chosen.plan().summary(),
                chosenMillis,
                chosenMillis / fastestMillis,
                fastest.plan().summary(),
                fastestMillis);
    }
}
