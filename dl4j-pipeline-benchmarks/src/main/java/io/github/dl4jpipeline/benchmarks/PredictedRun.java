package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.report.PipelineReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;

/** One plan and the steps that have been measured with it. */
final class PredictedRun implements AutoCloseable {
    private final PartitionPlan plan;
    private final PipelineComputationGraph net;
    private final List<Double> millis = new ArrayList<>();

    PredictedRun(ComputationGraph graph, GraphProfile profile, PartitionPlan plan) {
        this.plan = plan;
        this.net = PipelineComputationGraph.builder(graph)
                .profile(profile)
                .plan(plan)
                .batchNorm(BatchNormStatistics.PER_MICRO_BATCH)
                .build();
    }

    PartitionPlan plan() {
        return plan;
    }

    /** Runs some steps, of which the first few warm up. */
    void run(DataSet batch, int warmUp, int steps) {
        for (int step = 0; step < warmUp + steps; step++) {
            double before = totalMillis();
            net.fit(batch);
            if (step >= warmUp) {
                millis.add(totalMillis() - before);
            }
        }
    }

    private double totalMillis() {
        PipelineReport report = net.report();
        return report.steps() == 0 ? 0 : report.stepMillis() * report.steps();
    }

    int steps() {
        return millis.size();
    }

    double predicted() {
        return millis(plan.predictedStepTime());
    }

    double latest() {
        return millis(plan.latestExecutionTime());
    }

    private static double millis(Duration time) {
        return time.toNanos() / 1e6;
    }

    double median() {
        return quantile(0.5);
    }

    private double quantile(double part) {
        return millis.stream().sorted().toList().get((int) (part * millis.size()));
    }

    /** The share of steps that have ended by the latest execution time. */
    double inTime() {
        return (double) millis.stream().filter(time -> time <= latest()).count() / millis.size();
    }

    String[] cells() {
        return new String[] {
            plan.kind(),
            String.valueOf(plan.stages().size()),
            String.valueOf(plan.workers()),
            String.valueOf(plan.microBatches()),
            format("%.1f", predicted()),
            format("%.1f", median()),
            format("%+.0f %%", 100 * (predicted() / median() - 1)),
            format("%.1f", latest()),
            format("%.1f", quantile(0.95)),
            format("%.0f %% of %d", 100 * inTime(), steps())
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
