package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Trains for many steps and watches the resident memory of the process. */
@Command(
        name = "memory",
        description = "Resident memory of a training, after a warm-up and at its end.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class SteadyMemory implements Callable<Integer> {
    @Option(names = "--model", description = "Name of an example model.")
    private String model = "lenet";

    @Option(names = "--batch", description = "Examples of a batch.")
    private int batch = 64;

    @Option(names = "--steps", description = "Number of steps.")
    private int steps = 2_000;

    @Option(names = "--warm-up", description = "Steps before the first reading that counts.")
    private int warmUp = 200;

    @Option(names = "--stages", description = "Number of stages; 0 leaves it to the planner.")
    private int stages = 2;

    @Option(names = "--plain", description = "Train with plain fit instead of a pipeline.")
    private boolean plain;

    @Override
    public Integer call() {
        NamedModel network = NamedModel.of(model, 42);
        DataSet data = RandomBatch.of(network.shape(), batch, 42);
        if (plain) {
            watch(network.graph(), data);
            return 0;
        }
        PipelineBuilder builder = PipelineComputationGraph.builder(network.graph());
        if (stages > 0) {
            builder.stages(stages);
        }
        try (PipelineComputationGraph net = builder.build()) {
            watch(net, data);
        }
        return 0;
    }

    private void watch(ComputationGraph graph, DataSet data) {
        int settled = Math.max(1, Math.min(warmUp, steps));
        long early = 0;
        for (int step = 1; step <= steps; step++) {
            graph.fit(data);
            if (step == settled) {
                early = ResidentMemory.bytes();
            }
            if (step % settled == 0) {
                System.out.printf(Locale.ROOT, "step %d: %.1f MB%n", step, ResidentMemory.bytes() / 1e6);
            }
        }
        long late = ResidentMemory.bytes();
        System.out.printf(
                Locale.ROOT,
                "%s, batch %d, %s: %.1f MB after %d steps, %.1f MB after %d, %+.2f %%, peak %.1f MB%n",
                model,
                batch,
                plain ? "plain fit" : "pipeline",
                early / 1e6,
                settled,
                late / 1e6,
                steps,
                100.0 * (late - early) / early,
                ResidentMemory.peakBytes() / 1e6);
    }
}
