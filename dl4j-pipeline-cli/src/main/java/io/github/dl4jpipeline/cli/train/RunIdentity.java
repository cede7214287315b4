package io.github.dl4jpipeline.cli.train;

import io.github.dl4jpipeline.cli.io.InputException;
import java.nio.file.Path;

/**
 * What has to be the same for a resumed run to go on as the interrupted one would have.
 *
 * @param model name of the model
 * @param seed of parameters and the order of images
 * @param batch images of a batch
 * @param trainImages number of training images
 * @param trainChecksum checksum of the training images
 */
public record RunIdentity(String model, long seed, int batch, int trainImages, long trainChecksum) {

    /**
     * Checks this run against that of a checkpoint.
     *
     * @throws InputException if they differ
     */
    void requireSame(RunIdentity other, Path checkpoint) {
        requireSame(checkpoint, "--model", model, other.model);
        requireSame(checkpoint, "--seed", seed, other.seed);
        requireSame(checkpoint, "--batch", batch, other.batch);
        requireSame(checkpoint, "the number of training images", trainImages, other.trainImages);
        requireSame(checkpoint, "the checksum of the training images", trainChecksum, other.trainChecksum);
    }

    private static void requireSame(Path checkpoint, String what, Object wanted, Object found) {
        if (!wanted.equals(found)) {
            throw new InputException("Cannot resume from " + checkpoint + ": there " + what + " is " + found
                    + ", in this run " + wanted + "; resume with the same");
        }
    }
}
