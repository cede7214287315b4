package io.github.dl4jpipeline.cli.train;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.data.ExampleBatches;
import io.github.dl4jpipeline.cli.data.TrainingData;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.model.HeldPlan;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.PipelineChoice;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.report.PipelineReport;
import java.io.PrintWriter;
import java.util.Optional;

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
        try (TrainingProgress progress = new TrainingProgress(err, data.examples(), data.segments());
                PipelineComputationGraph net = pipeline(progress)) {
            ExampleBatches batches = data.trainBatches(settings.batch(), settings.seed());
            for (int epoch = start.epochsDone(); epoch < settings.epochs(); epoch++) {
                batches.startEpoch(epoch);
                progress.startEpoch(
                        "epoch " + (epoch + 1) + "/" + settings.epochs(), batches.batches() * data.segments());
                net.fit(batches);
                progress.endEpoch();
                int done = epoch + 1;
                start.checkpoints()
                        .ifPresent(
                                directory -> directory.save(new Checkpoint(model.model(), identity, held(net)), done));
            }
            double accuracy = net.evaluate(data.testBatches(settings.batch())).accuracy();
            PipelineReport report = net.report();
            PartitionPlan plan = net.keepPlan();
            return new TrainingResult(
                    accuracy,
                    progress.loss(),
                    progress.trainingSeconds(),
                    progress.profilingSeconds(),
                    progress.images(),
                    progress.stepMillis(plan),
                    plan,
                    report);
        }
    }

    private PipelineComputationGraph pipeline(TrainingProgress progress) {
        PipelineChoice choice = settings.pipeline();
        return start.plan()
                .map(held -> choice.build(model, held, progress))
                .orElseGet(() -> choice.build(model, settings.batch(), Optional.of(progress)));
    }

    /** How the run goes on after a checkpoint, so that one that is resumed does, too. */
    private HeldPlan held(PipelineComputationGraph net) {
        return start.plan().orElseGet(() -> settings.pipeline().hold(net));
    }
}
