package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.data.CifarDirectory;
import io.github.dl4jpipeline.cli.data.CifarDownload;
import io.github.dl4jpipeline.cli.data.GeneratedImages;
import io.github.dl4jpipeline.cli.data.GeneratedText;
import io.github.dl4jpipeline.cli.data.ImageData;
import io.github.dl4jpipeline.cli.data.TextData;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.io.Progress;
import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where images and texts are from. */
final class DataOptions {
    private static final Path DOWNLOAD_DIRECTORY = Path.of("cifar-10-batches-bin");

    @Option(
            names = "--data",
            paramLabel = "DIR|FILE.txt",
            description = "Directory with CIFAR-10's binary batches: any of data_batch_N.bin, and test_batch.bin. For"
                    + " char-rnn a text file in UTF-8. Default: a small set of generated images, or a generated text.")
    private @Nullable Path path;

    @Option(
            names = "--download",
            description = "Download CIFAR-10 (170 MB) from its authors' address into the directory given by --data"
                    + " (default: cifar-10-batches-bin), unless it is there. Goes on from where an interrupted download"
                    + " has stopped.")
    private boolean download;

    /** Downloads if asked, and reads or generates the images. */
    ImageData load(long seed, PrintWriter err) {
        if (download) {
            Path target = path == null ? DOWNLOAD_DIRECTORY : path;
            fetch(CifarDownload.official(), target, err);
            return CifarDirectory.read(target);
        }
        return path == null ? GeneratedImages.data(seed) : CifarDirectory.read(path);
    }

    /**
     * Reads or generates a text.
     *
     * @param model the name of the model that takes it
     */
    TextData loadText(String model, long seed) {
        if (download) {
            throw new InputException(
                    "--download is for images, and " + model + " takes a text; give one with --data FILE.txt");
        }
        return path == null ? GeneratedText.data(seed) : TextData.read(path);
    }

    private static void fetch(CifarDownload download, Path target, PrintWriter err) {
        if (download.isComplete(target)) {
            err.println("CIFAR-10 is in " + target + " already");
            return;
        }
        try (Progress progress = new Progress(err, "download", download.bytes())) {
            download.into(target, progress::to);
        }
    }
}
