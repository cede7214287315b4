package io.github.dl4jpipeline.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.deeplearning4j.nn.graph.ComputationGraph;

/** Linux's device that is always full. */
final class FullDisk {
    private static final Path FULL = Path.of("/dev/full");

    private FullDisk() {}

    static void save(ComputationGraph net) {
        try {
            net.save(FULL.toFile());
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot write " + FULL, e);
        }
    }
}
