package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Kernels;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;

/**
 * Times of training small networks of one kind of layer: plain {@code fit}, one device with Deeplearning4j's code and with the
 * faster one, and the default pipeline; the systems' steps alternate.
 */
@Command(
        name = "layers",
        description = "Training of small networks of one kind of convolution each, beside plain fit.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class LayerComparison implements Callable<Integer> {
    private static final int MOST_STEPS_TO_SETTLE = 100;
    private static final int WARM_UP = 2;

    @Option(names = "--kind", split = ",", description = "${COMPLETION-CANDIDATES}; several, with commas between them.")
    private List<LayerNetwork> kinds = List.of(LayerNetwork.values());

    @Option(names = "--batch", description = "Examples of a batch.")
    private int batch = 16;

    @Option(names = "--steps", description = "Measured steps of each system.")
    private int steps = 10;

    @Override
    public Integer call() {
        if (batch < 1 || steps < 1) {
            System.err.println("--batch and --steps must be at least 1, got " + batch + " and " + steps);
            return ExitCode.USAGE;
        }
        System.out.printf("batch %d, median of %d steps of each in turn, ms%n", batch, steps);
        kinds.forEach(this::compare);
        return ExitCode.OK;
    }

    private void compare(LayerNetwork kind) {
        DataSet data = kind.batch(batch);
        ComputationGraph plain = kind.graph();
        try (PipelineComputationGraph stock = oneDevice(kind, Kernels.STOCK);
                PipelineComputationGraph fast = oneDevice(kind, Kernels.FAST);
                PipelineComputationGraph pipeline =
                        PipelineComputationGraph.builder(kind.graph()).build()) {
            pipeline.fit(data);
            for (int step = 1; step < MOST_STEPS_TO_SETTLE && !pipeline.report().settled(); step++) {
                pipeline.fit(data);
            }
            double[] medians = medians(List.of(plain, stock, fast, pipeline), data);
            System.out.printf(
                    Locale.ROOT,
                    "%-10s  plain fit %.1f, one device %.1f, with fast kernels %.1f (%.2fx), pipeline %.1f (%.2fx plain fit)%n",
                    kind,
                    medians[0],
                    medians[1],
                    medians[2],
                    medians[1] / medians[2],
                    medians[3],
                    medians[0] / medians[3]);
        }
    }

    private static PipelineComputationGraph oneDevice(LayerNetwork kind, Kernels kernels) {
        PipelineBuilder builder = PipelineComputationGraph.builder(kind.graph());
        return builder.devices(Devices.cpu(1)).microBatches(1).kernels(kernels).build();
    }

    private double[] medians(List<ComputationGraph> systems, DataSet data) {
        List<List<Double>> millis = systems.stream()
                .map(system -> (List<Double>) new ArrayList<Double>())
                .toList();
        for (int step = -WARM_UP; step < steps; step++) {
            for (int system = 0; system < systems.size(); system++) {
                long start = System.nanoTime();
                systems.get(system).fit(data);
                if (step >= 0) {
                    millis.get(system).add((System.nanoTime() - start) / 1e6);
                }
            }
        }
        return millis.stream()
                .mapToDouble(times -> PredictedRun.quantile(times, 0.5))
                .toArray();
    }
}
