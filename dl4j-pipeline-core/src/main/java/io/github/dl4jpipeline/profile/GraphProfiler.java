package io.github.dl4jpipeline.profile;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.graph.ExampleCoupling;
import io.github.dl4jpipeline.internal.profile.Effort;
import io.github.dl4jpipeline.internal.profile.Profiling;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.Set;
import java.util.function.Consumer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.util.ComputationGraphUtil;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Measures every vertex of a graph, forward and backward, on a device, and how devices get on with each other.
 *
 * <p>The graph's parameters, updater state and counts stay as they are: gradients go to an array of their own. What is
 * measured is the code that training runs, on a thread that is bound to the device. Devices with memory of their own do not
 * see the graph's arrays; there, a thread that is bound to none stands for the first of them.
 */
public final class GraphProfiler {
    private GraphProfiler() {}

    /** With how many of the examples of a batch it is usual to profile: all, or of a large batch a part. */
    public static int usualExamples(int batch) {
        int parts = (batch + Profiling.MOST_EXAMPLES - 1) / Profiling.MOST_EXAMPLES;
        return batch / parts;
    }

    /** Profiles on one core of this machine, and on all of them, with the examples of {@code sample}. */
    public static GraphProfile profile(ComputationGraph graph, DataSet sample) {
        return profile(graph, ComputationGraphUtil.toMultiDataSet(Given.notNull("sample", sample)));
    }

    /** Profiles on one core of this machine, and on all of them, with the examples of {@code sample}. */
    public static GraphProfile profile(ComputationGraph graph, MultiDataSet sample) {
        return profile(graph, sample, Devices.cpu());
    }

    /**
     * Profiles on the first of some devices, and in short on all of them, with the examples of {@code sample}.
     *
     * @throws IllegalArgumentException if the sample does not fit the graph
     */
    public static GraphProfile profile(ComputationGraph graph, MultiDataSet sample, Devices devices) {
        return profile(graph, sample, devices, progress -> {});
    }

    /**
     * The same, with progress.
     *
     * @param progress is told after each measurement, in the calling thread
     * @throws IllegalArgumentException if the sample does not fit the graph
     */
    public static GraphProfile profile(
            ComputationGraph graph, MultiDataSet sample, Devices devices, Consumer<ProfilingProgress> progress) {
        Given.notNull("progress", progress);
        Given.notNull("sample", sample);
        Given.notNull("devices", devices);
        Given.notNull("graph", graph).init();
        return Profiling.profile(
                graph,
                MicroBatch.whole(
                        sample.getFeatures(),
                        sample.getLabels(),
                        sample.getFeaturesMaskArrays(),
                        sample.getLabelsMaskArrays()),
                devices,
                Kernels.FAST,
                ExampleCoupling.in(graph, BatchNormStatistics.PER_MICRO_BATCH, Set.of())
                        .isEmpty(),
                Effort.THOROUGH,
                progress);
    }
}
