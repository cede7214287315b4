package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.report.PipelineReport;
import org.nd4j.linalg.dataset.DataSet;

/**
 * What the forward and backward passes of single steps take, which predictions are for.
 *
 * @param net trains
 */
record StepClock(PipelineComputationGraph net) {
    /** Trains on a batch, and returns the milliseconds. */
    double fit(DataSet batch) {
        PipelineReport before = net.report();
        net.fit(batch);
        PipelineReport after = net.report();
        boolean samePlan = after.steps() == before.steps() + 1; // another begins to count anew
        return totalMillis(after) - (samePlan ? totalMillis(before) : 0);
    }

    private static double totalMillis(PipelineReport report) {
        return report.steps() == 0 ? 0 : report.stepMillis() * report.steps();
    }
}
