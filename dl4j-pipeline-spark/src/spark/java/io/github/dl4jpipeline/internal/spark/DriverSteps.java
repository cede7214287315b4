package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.internal.cluster.Progress;
import io.github.dl4jpipeline.internal.cluster.TrainingHost;
import java.util.List;
import java.util.Optional;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.TrainingListener;

/**
 * What the driver's graph sees of training: score and counts of each step, its listeners, checkpoints. A step that is done again after a
 * restart is not told again.
 */
final class DriverSteps implements TrainingHost.Events {
    private final ComputationGraph graph;
    private final Optional<CheckpointFile> file;
    private Progress checkpoint;
    private int nextIteration;
    private int epoch;
    private boolean inEpoch;

    DriverSteps(ComputationGraph graph, Optional<CheckpointFile> file) {
        this.graph = graph;
        this.file = file;
        this.nextIteration = graph.getIterationCount();
        this.epoch = graph.getEpochCount();
        this.checkpoint = new Progress(nextIteration, epoch, 0);
    }

    /** Where training goes on after a failure. */
    Progress checkpoint() {
        return checkpoint;
    }

    @Override
    public void step(int iteration, int ofEpoch, double score) {
        if (iteration < nextIteration) {
            return;
        }
        goToEpoch(ofEpoch);
        begin();
        count(iteration, epoch);
        graph.setScore(score);
        nextIteration = iteration + 1;
        for (TrainingListener listener : List.copyOf(graph.getListeners())) {
            listener.iterationDone(graph, iteration, epoch);
        }
        count(iteration + 1, epoch);
    }

    @Override
    public void checkpoint(Progress progress) {
        goToEpoch(progress.epoch());
        checkpoint = progress;
        count(progress.iteration(), progress.epoch());
        file.ifPresent(there -> there.write(graph));
    }

    private void goToEpoch(int next) {
        while (epoch < next) {
            begin(); // one without batches
            graph.getListeners().forEach(listener -> listener.onEpochEnd(graph));
            inEpoch = false;
            epoch++;
            count(graph.getIterationCount(), epoch);
        }
    }

    private void begin() {
        if (!inEpoch) {
            inEpoch = true;
            graph.getListeners().forEach(listener -> listener.onEpochStart(graph));
        }
    }

    /** Makes the counts those of the arrays. */
    void backToCheckpoint() {
        count(checkpoint.iteration(), checkpoint.epoch());
    }

    private void count(int iterations, int epochs) {
        graph.getConfiguration().setIterationCount(iterations);
        graph.getConfiguration().setEpochCount(epochs);
    }
}
