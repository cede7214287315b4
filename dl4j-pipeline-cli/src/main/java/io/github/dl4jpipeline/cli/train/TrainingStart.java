package io.github.dl4jpipeline.cli.train;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.model.HeldPlan;
import io.github.dl4jpipeline.cli.model.ModelShape;
import io.github.dl4jpipeline.cli.model.NamedModel;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Where a run begins.
 *
 * @param model the model as it is then
 * @param epochsDone number of epochs that it has been trained
 * @param plan how it has been trained so far; empty for a new run
 * @param checkpoints where it goes after each epoch
 */
public record TrainingStart(
        NamedModel model, int epochsDone, Optional<HeldPlan> plan, Optional<Checkpoints> checkpoints) {

    /** A new run. */
    public static TrainingStart fresh(NamedModel model, Optional<Checkpoints> checkpoints) {
        return new TrainingStart(model, 0, Optional.empty(), checkpoints);
    }

    /**
     * A run that goes on from its latest checkpoint that is whole. If that is of the last epoch, what is left is the test.
     *
     * @param shape what the model takes and gives
     * @param epochs number of epochs in all
     * @param warnings takes a text for each checkpoint that is damaged
     * @throws InputException if there is no checkpoint of this run, or one of more epochs
     */
    public static TrainingStart resumed(
            RunIdentity run, ModelShape shape, int epochs, Checkpoints checkpoints, Consumer<String> warnings) {
        Checkpoints.Latest latest = checkpoints.requireLatest(run, warnings);
        if (latest.epochs() > epochs) {
            throw new InputException("Nothing to train: " + latest.file() + " has " + latest.epochs()
                    + " epochs already, and --epochs asks for " + epochs + " in all");
        }
        return new TrainingStart(
                new NamedModel(run.model(), latest.content().model(), shape),
                latest.epochs(),
                Optional.of(latest.content().plan()),
                Optional.of(checkpoints));
    }

    /** The same with another plan; empty to make one. */
    public TrainingStart with(Optional<HeldPlan> other) {
        return new TrainingStart(model, epochsDone, other, checkpoints);
    }

    /**
     * The plan of a checkpoint of any run.
     *
     * @throws InputException if the file cannot be read, or is none
     */
    public static HeldPlan planOf(Path checkpoint) {
        try {
            return Checkpoint.readPlan(checkpoint);
        } catch (IllegalArgumentException | UncheckedIOException e) {
            throw new InputException("--plan: " + e.getMessage(), e);
        }
    }
}
