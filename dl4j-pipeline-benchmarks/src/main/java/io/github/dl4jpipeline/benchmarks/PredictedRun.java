package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;

/** One plan, what it has been predicted to take, and the steps that have been measured with it. */
final class PredictedRun implements AutoCloseable {
    /** Memory that has been given back after profiling is had again in the first steps. */
    private static final int WARM_UP = 2;

    private final PartitionPlan plan;
    private final PlanOptions options;
    private final PipelineComputationGraph net;
    private final StepClock clock;

    private PartitionPlan predicted;
    private final List<Double> predictedMillis = new ArrayList<>();
    private final List<Double> latestMillis = new ArrayList<>();

    /** Predicted by measured time of each round. */
    private final List<Double> ratios = new ArrayList<>();

    private final List<Double> millis = new ArrayList<>();
    private int inTime;

    PredictedRun(ComputationGraph graph, GraphProfile profile, PartitionPlan plan, PlanOptions options) {
        this.plan = plan;
        this.options = options;
        this.predicted = plan;
        this.net = PipelineComputationGraph.builder(graph)
                .profile(profile)
                .plan(plan)
                .batchNorm(BatchNormStatistics.PER_MICRO_BATCH)
                .build();
        this.clock = new StepClock(net);
    }

    PartitionPlan plan() {
        return plan;
    }

    /** Predicts by a profile that has just been taken, and measures. */
    void round(GraphProfile profile, DataSet batch, int steps) {
        predicted = Planner.predict(plan, profile, Devices.cpu(), options);
        predictedMillis.add(millis(predicted.predictedStepTime()));
        latestMillis.add(millis(predicted.latestExecutionTime()));
        List<Double> measured = run(batch, WARM_UP, steps);
        ratios.add(millis(predicted.predictedStepTime()) / quantile(measured, 0.5));
    }

    /** Runs some steps, of which the first few warm up and do not count. */
    List<Double> run(DataSet batch, int warmUp, int steps) {
        List<Double> measured = new ArrayList<>();
        for (int step = 0; step < warmUp + steps; step++) {
            double taken = clock.fit(batch);
            if (step >= warmUp) {
                measured.add(taken);
            }
        }
        double latest = millis(predicted.latestExecutionTime());
        inTime += (int) measured.stream().filter(time -> time <= latest).count();
        millis.addAll(measured);
        return measured;
    }

    private static double millis(Duration time) {
        return time.toNanos() / 1e6;
    }

    double median() {
        return quantile(millis, 0.5);
    }

    static double quantile(List<Double> values, double part) {
        return values.stream().sorted().toList().get((int) (part * values.size()));
    }

    String[] cells() {
        return new String[] {
            plan.kind().toString(),
            String.valueOf(plan.stages().size()),
            String.valueOf(plan.workers()),
            String.valueOf(plan.microBatches()),
            format("%.1f", quantile(predictedMillis, 0.5)),
            format("%.1f", median()),
            format("%+.0f %%", 100 * (quantile(ratios, 0.5) - 1)),
            ratios.stream().map(ratio -> format("%+.0f", 100 * (ratio - 1))).collect(Collectors.joining(" ")),
            format("%.1f", quantile(latestMillis, 0.5)),
            format("%.1f", quantile(millis, 0.95)),
            format("%.0f %% of %d", 100.0 * inTime / millis.size(), millis.size())
        };
    }

    static String[] headings() {
        return new String[] {
            "plan",
            "stages",
            "workers",
            "micro-batches",
            "predicted ms",
            "measured ms",
            "off",
            "off in each round, %",
            "latest ms",
            "95 % ms",
            "in time"
        };
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    @Override
    public void close() {
        net.close();
    }
}
