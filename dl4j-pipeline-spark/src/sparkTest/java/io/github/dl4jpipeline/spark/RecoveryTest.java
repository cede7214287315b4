package io.github.dl4jpipeline.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.internal.cluster.Networks;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Executors that are killed or stopped at random moments. Prints a table: seconds until the next step, and how far the result is from that
 * of plain {@code fit}. Only with {@code -Drecovery.runs=10}, since it takes minutes; {@code -Drecovery.seed} repeats a run.
 */
@EnabledIfSystemProperty(named = "recovery.runs", matches = "[0-9]+")
class RecoveryTest {
    private static final int EPOCHS = 10;
    private static final int STEPS = 40;

    /** Workers may be this far ahead of what is told: they wait for every second checkpoint. */
    private static final int AHEAD = 15;

    private final long seed = Long.getLong("recovery.seed", System.nanoTime());
    private final Random random = new Random(seed);

    /** Signals one executor at one step, and notes when steps are told from then on. */
    private static final class Attack extends BaseTrainingListener {
        private final RealCluster cluster;
        private final String signal;
        private final int atStep;
        private final int millisLater;
        private final int victim;
        private final List<Long> times = new ArrayList<>();

        Attack(RealCluster cluster, String signal, Random random) {
            this.cluster = cluster;
            this.signal = signal;
            this.atStep = 1 + random.nextInt(STEPS - AHEAD);
            this.millisLater = random.nextInt(60);
            this.victim = random.nextInt(4);
        }

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            if (iteration == atStep) {
                try {
                    Thread.sleep(millisLater);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                List<ProcessHandle> executors = cluster.executors();
                RealCluster.signal(signal, executors.get(victim % executors.size()));
                times.add(System.nanoTime());
            } else if (!times.isEmpty()) {
                times.add(System.nanoTime());
            }
        }

        /** To the first step after the longest pause: some that were done before are still told. */
        double secondsToNextStep() {
            int end = 1;
            for (int i = 1; i < times.size(); i++) {
                if (times.get(i) - times.get(i - 1) > times.get(end) - times.get(end - 1)) {
                    end = i;
                }
            }
            return (times.get(end) - times.get(0)) / 1e9;
        }
    }

    @Test
    void theResultIsThatOfPlainFit() throws IOException, InterruptedException {
        List<MultiDataSet> batches = new ArrayList<>(Networks.CONVOLUTIONS.batches(STEPS / EPOCHS));
        ComputationGraph start = Networks.CONVOLUTIONS.graph();
        ComputationGraph expected = start.clone();
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            batches.forEach(expected::fit);
        }
        System.out.printf("seed %d%n%4s %6s %5s %8s %12s%n", seed, "run", "signal", "step", "seconds", "difference");
        try (RealCluster cluster = new RealCluster(2, 2);
                JavaSparkContext sc = new JavaSparkContext(cluster.conf())) {
            for (int run = 1; run <= Integer.getInteger("recovery.runs"); run++) {
                ComputationGraph graph = start.clone();
                Attack attack = new Attack(cluster, run % 3 == 0 ? "STOP" : "KILL", random);
                graph.setListeners(attack);
                SparkPipeline.on(sc, graph)
                        .evenStages()
                        .stages(2)
                        .replicas(2)
                        .checkpointEvery(5)
                        .build()
                        .fitMultiDataSet(sc.parallelize(batches, 3), EPOCHS);
                double difference =
                        ArrayDifference.of(graph.params(), expected.params()).relative();
                System.out.printf(
                        Locale.ROOT,
                        "%4d %6s %5d %8.1f %12.1e%n",
                        run,
                        attack.signal,
                        attack.atStep,
                        attack.secondsToNextStep(),
                        difference);
                assertThat(difference).isLessThan(1e-10);
                assertThat(graph.getIterationCount()).isEqualTo(STEPS);
            }
        }
    }
}
