package io.github.dl4jpipeline.cli.train;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.data.ExampleBatches;
import io.github.dl4jpipeline.cli.data.TrainingData;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.io.Progress;
import io.github.dl4jpipeline.cli.model.HeldPlan;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.PipelineChoice;
import java.io.PrintWriter;

/** Trains a model in a pipeline, epoch after epoch, and tests it. */
public final class Training {
    private final TrainingStart start;
    private final NamedModel model;
    private final TrainingData data;
    private final TrainingSettings settings;
    private final RunIdentity identity;
    private final PrintWriter err;

    /**
     * A run.
     *
     * @param identity what checkpoints say of this run
     * @param err takes the progress
     */
    public Training(
            TrainingStart start, TrainingData data, TrainingSettings settings, RunIdentity identity, PrintWriter err) {
        this.start = start;
        this.model = start.model();
        this.data = data;
        this.settings = settings;
        this.identity = identity;
        this.err = err;
    }

    /**
     * Trains the epochs that are left, and tests.
     *
     * @throws InputException if the model cannot be trained in a pipeline with these settings
     */
    public TrainingResult run() {
        try (PipelineComputationGraph net = pipeline()) {
            ExampleBatches batches = data.trainBatches(settings.batch(), settings.seed());
            LossMeter loss = new LossMeter(data.segments());
            long nanos = 0;
            long examples = 0;
            for (int epoch = start.epochsDone(); epoch < settings.epochs(); epoch++) {
                long before = System.nanoTime();
                loss = train(net, batches, epoch);
                nanos += System.nanoTime() - before;
                examples += loss.examples();
                int done = epoch + 1;
                start.checkpoints()
                        .ifPresent(
                                directory -> directory.save(new Checkpoint(model.model(), identity, held(net)), done));
            }
            double accuracy = net.evaluate(data.testBatches(settings.batch())).accuracy();
            return new TrainingResult(accuracy, loss.mean(), nanos / 1e9, examples, net.plan(), net.report());
        }
    }

    private PipelineComputationGraph pipeline() {
        PipelineChoice choice = settings.pipeline();
        return start.plan()
                .map(held -> choice.build(model, held))
                .orElseGet(() -> choice.build(model, settings.batch()));
    }

    /** How the run goes on after a checkpoint, so that one that is resumed does, too. */
    private HeldPlan held(PipelineComputationGraph net) {
        return start.plan().orElseGet(() -> settings.pipeline().hold(net));
    }

    private LossMeter train(PipelineComputationGraph net, ExampleBatches batches, int epoch) {
        batches.startEpoch(epoch);
        String title = "epoch " + (epoch + 1) + "/" + settings.epochs();
        try (Progress progress = new Progress(err, title, (long) batches.batches() * data.segments())) {
            EpochListener listener = new EpochListener(progress, data.examples(), data.segments());
            net.setListeners(listener);
            net.fit(batches);
            return listener.loss();
        }
    }
}
