package io.github.dl4jpipeline.cli.io;

import io.github.dl4jpipeline.profile.ProfilingProgress;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;

/** Shows how far a profile has come, from its first measurement on. */
public final class ProfilingBar implements AutoCloseable {
    private final PrintWriter err;
    private @Nullable Progress bar;

    public ProfilingBar(PrintWriter err) {
        this.err = err;
    }

    /** Takes in a measurement. */
    public void show(ProfilingProgress progress) {
        if (bar == null) {
            bar = new Progress(err, "profiling", progress.expected());
        }
        bar.to(Math.min(progress.done(), progress.expected()));
    }

    /** Draws the bar for the last time, if there has been one. */
    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }
}
