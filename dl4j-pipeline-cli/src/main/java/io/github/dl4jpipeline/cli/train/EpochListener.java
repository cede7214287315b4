package io.github.dl4jpipeline.cli.train;

import io.github.dl4jpipeline.cli.io.Progress;
import java.util.Locale;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;

/** Follows the steps of one epoch and shows mean loss and images per second. */
final class EpochListener extends BaseTrainingListener {
    private final Progress progress;
    private final LossMeter loss = new LossMeter();
    private final long start = System.nanoTime();

    EpochListener(Progress progress) {
        this.progress = progress;
    }

    LossMeter loss() {
        return loss;
    }

    @Override
    public void iterationDone(Model model, int iteration, int epoch) {
        loss.add(model.score(), ((ComputationGraph) model).getInput(0).size(0));
        double seconds = (System.nanoTime() - start) / 1e9;
        progress.step(String.format(Locale.ROOT, " loss %.4f, %.1f images/s", loss.mean(), loss.images() / seconds));
    }
}
