package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.exception.PipelineException;
import java.io.IOException;
import java.io.OutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.util.ModelSerializer;

/** The last checkpoint on a file system that Hadoop knows. It is there as a whole, or the one before is. */
final class CheckpointFile {
    private static final String NAME = "checkpoint.zip";

    private final Path directory;
    private final Configuration configuration;

    CheckpointFile(String directory, Configuration configuration) {
        this.directory = new Path(directory);
        this.configuration = configuration;
    }

    /** Writes the graph, with updater state and counts, in the place of what was there. */
    void write(ComputationGraph graph) {
        Path whole = new Path(directory, NAME);
        Path part = new Path(directory, NAME + ".part");
        try {
            FileSystem files = directory.getFileSystem(configuration);
            files.mkdirs(directory);
            try (OutputStream out = files.create(part, true)) {
                ModelSerializer.writeModel(graph, out, true);
            }
            FileContext.getFileContext(files.makeQualified(directory).toUri(), configuration)
                    .rename(files.makeQualified(part), files.makeQualified(whole), Options.Rename.OVERWRITE);
        } catch (IOException e) {
            throw new PipelineException(
                    "checkpointTo(" + directory + "): the checkpoint cannot be written: " + e.getMessage()
                            + "; the checkpoint before is still there",
                    e);
        }
    }
}
