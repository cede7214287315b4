package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Trains while another thread makes garbage. With a small young generation ({@code -Xmn3m}) the process dies if an array's
 * memory is freed while native code uses it.
 */
@Command(
        name = "collections",
        description = "Trains under frequent garbage collections; run it with -Xmn3m.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class FrequentCollections implements Callable<Integer> {
    private static final int ARRAYS = 2_000;
    private static final int ARRAY_BYTES = 2_000;
    private static final Duration BETWEEN_LINES = Duration.ofSeconds(30);

    private static final AtomicReference<byte[]> LAST = new AtomicReference<>();

    @Option(names = "--model", description = "Name of an example model.")
    private String model = "lenet";

    @Option(names = "--seconds", description = "How long to train.")
    private int seconds = 600;

    @Option(names = "--plain", description = "Train with plain fit instead of a pipeline.")
    private boolean plain;

    @Override
    public Integer call() {
        NamedModel network = NamedModel.of(model, 42);
        DataSet data = RandomBatch.of(network.shape(), NamedModel.usualBatch(model), 42);
        Thread maker = new Thread(FrequentCollections::makeGarbage, "garbage");
        maker.setDaemon(true);
        maker.start();
        if (plain) {
            train(network.graph(), data);
            return 0;
        }
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(network.graph()).build()) {
            train(net, data);
        }
        return 0;
    }

    private static void makeGarbage() {
        while (true) {
            for (int i = 0; i < ARRAYS; i++) {
                LAST.set(new byte[ARRAY_BYTES]);
            }
            LockSupport.parkNanos(1); // some time for the training
        }
    }

    private void train(ComputationGraph graph, DataSet data) {
        long begin = System.nanoTime();
        Duration printed = Duration.ZERO;
        Duration elapsed = Duration.ZERO;
        int steps = 0;
        while (elapsed.toSeconds() < seconds) {
            graph.fit(data);
            steps++;
            elapsed = Duration.ofNanos(System.nanoTime() - begin);
            if (elapsed.minus(printed).compareTo(BETWEEN_LINES) >= 0) {
                print(elapsed, steps, graph.score());
                printed = elapsed;
            }
        }
        print(elapsed, steps, graph.score());
    }

    private void print(Duration elapsed, int steps, double score) {
        System.out.printf(
                Locale.ROOT,
                "%s, %s, %d s: %d steps, %d collections, score %.4f, resident %.0f MB%n",
                model,
                plain ? "plain fit" : "pipeline",
                elapsed.toSeconds(),
                steps,
                collections(),
                score,
                ResidentMemory.bytes() / 1e6);
    }

    private static long collections() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                .mapToLong(GarbageCollectorMXBean::getCollectionCount)
                .sum();
    }
}
