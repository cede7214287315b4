package io.github.dl4jpipeline.examples.train;

import io.github.dl4jpipeline.examples.io.InputException;
import io.github.dl4jpipeline.examples.model.NamedModel;
import io.github.dl4jpipeline.examples.train.Checkpoints.Checkpoint;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a run begins.
 *
 * @param model the model as it is then
 * @param epochsDone number of epochs that it has been trained
 * @param checkpoints where it goes after each epoch
 */
public record TrainingStart(NamedModel model, int epochsDone, Optional<Checkpoints> checkpoints) {

    /**
     * A new run.
     *
     * @param checkpointDirectory for the checkpoints, if any are wanted
     * @throws InputException if the directory cannot be used
     */
    public static TrainingStart fresh(NamedModel model, Optional<Path> checkpointDirectory) {
        return new TrainingStart(model, 0, checkpointDirectory.map(Checkpoints::create));
    }

    /**
     * A run that goes on from its latest checkpoint.
     *
     * @param epochs number of epochs in all
     * @throws InputException if there is no checkpoint of this run, or nothing left to train
     */
    public static TrainingStart resumed(RunIdentity run, int epochs, Path checkpointDirectory) {
        Checkpoints checkpoints = Checkpoints.existing(checkpointDirectory);
        Checkpoint latest = checkpoints.requireLatest();
        if (latest.epochs() >= epochs) {
            throw new InputException("Nothing to train: " + latest.file() + " has " + latest.epochs()
                    + " epochs already, and --epochs asks for " + epochs + " in all");
        }
        return new TrainingStart(
                new NamedModel(run.model(), latest.restore(run)), latest.epochs(), Optional.of(checkpoints));
    }
}
