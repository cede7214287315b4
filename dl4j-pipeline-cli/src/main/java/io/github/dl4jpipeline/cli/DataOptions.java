package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.data.CifarDirectory;
import io.github.dl4jpipeline.cli.data.CifarDownload;
import io.github.dl4jpipeline.cli.data.GeneratedImages;
import io.github.dl4jpipeline.cli.data.ImageData;
import io.github.dl4jpipeline.cli.io.Progress;
import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the images are from. */
final class DataOptions {
    private static final Path DOWNLOAD_DIRECTORY = Path.of("cifar-10-batches-bin");

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "Directory with CIFAR-10's binary batches: any of data_batch_N.bin, and test_batch.bin."
                    + " Default: a small set of generated images.")
    private @Nullable Path directory;

    @Option(
            names = "--download",
            description = "Download CIFAR-10 (170 MB) from its authors' address into the directory given by --data"
                    + " (default: cifar-10-batches-bin), unless it is there. Goes on from where an interrupted download"
                    + " has stopped.")
    private boolean download;

    /** Downloads if asked, and reads or generates the images. */
    ImageData load(long seed, PrintWriter err) {
        if (download) {
            Path target = directory == null ? DOWNLOAD_DIRECTORY : directory;
            fetch(CifarDownload.official(), target, err);
            return CifarDirectory.read(target);
        }
        return directory == null ? GeneratedImages.data(seed) : CifarDirectory.read(directory);
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
