package io.github.dl4jpipeline.cli.train;

import io.github.dl4jpipeline.cli.io.Progress;
import java.util.Locale;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;

/** Follows the steps of one epoch and shows mean loss and examples per second. */
final class EpochListener extends BaseTrainingListener {
    private final Progress progress;
    private final LossMeter loss;
    private final String examples;
    private final long start = System.nanoTime();

    /**
     * A listener for one epoch.
     *
     * @param examples what they are called
     * @param segments in how many steps an example is trained
     */
    EpochListener(Progress progress, String examples, int segments) {
        this.progress = progress;
        this.examples = examples;
        loss = new LossMeter(segments);
    }

    LossMeter loss() {
        return loss;
    }

    @Override
    public void iterationDone(Model model, int iteration, int epoch) {
        loss.add(model.score(), ((ComputationGraph) model).getInput(0).size(0));
        double seconds = (System.nanoTime() - start) / 1e9;
        progress.step(
                String.format(Locale.ROOT, " loss %.4f, %.1f %s/s", loss.mean(), loss.examples() / seconds, examples));
    }
}
