package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.ProfilingBar;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import java.io.PrintWriter;

/** Profiles models, and shows how far that has come. */
final class MeasuredProfile {
    private MeasuredProfile() {}

    /** The profile of a model with random data. */
    static GraphProfile of(NamedModel model, int examples, long seed, PrintWriter err) {
        err.println("Profiling " + model.name() + " with " + examples + " examples");
        err.flush();
        try (ProfilingBar bar = new ProfilingBar(err)) {
            return GraphProfiler.profile(
                    model.graph(),
                    RandomBatch.of(model.shape().ofOneStep(), examples, seed).toMultiDataSet(),
                    Devices.cpu(),
                    bar::show);
        }
    }
}
