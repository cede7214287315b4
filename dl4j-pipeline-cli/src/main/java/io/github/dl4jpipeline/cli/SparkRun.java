package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.data.ExampleBatches;
import io.github.dl4jpipeline.cli.data.TrainingData;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.train.ClusterTraining;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.dataset.DataSet;
import picocli.CommandLine.ParseResult;

/**
 * {@code train --spark}: epochs of training on a cluster, and a test here.
 *
 * @param err takes the progress
 */
record SparkRun(ClusterTraining cluster, ClusterTraining.Settings settings, PrintWriter err) {
    /** What is only for training in this process. */
    private static final List<String> NOT_HERE = List.of(
            "--checkpoint-dir",
            "--resume",
            "--plan",
            "--verify",
            "--report",
            "--trace",
            "--json",
            "--gpus",
            "--deadline",
            "--schedule",
            "--kernels",
            "--tiles");

    /**
     * Finds what trains on a cluster.
     *
     * @throws InputException if it is not there, or options do not go with it
     */
    static ClusterTraining cluster(ParseResult options) {
        for (String option : NOT_HERE) {
            if (options.hasMatchedOption(option)) {
                throw new InputException(option + " cannot be used with --spark; leave it out");
            }
        }
        return ServiceLoader.load(ClusterTraining.class)
                .findFirst()
                .orElseThrow(() -> new InputException(
                        "--spark: Spark is not on the class path. The launcher bin/dl4j-pipeline adds it; for `java -cp` build"
                                + " dl4j-pipeline-spark with `./mvnw -Pspark package`, and add its jar and those in"
                                + " dl4j-pipeline-spark/target/lib"));
    }

    /** Trains a model, and says how well it does. */
    String run(NamedModel model, TrainingData data, int batch, long seed) {
        ComputationGraph graph = model.graph();
        graph.setListeners(new Shown(err));
        ExampleBatches batches = data.trainBatches(batch, seed);
        long begin = System.nanoTime();
        String plan = cluster.train(graph, epoch -> list(batches, epoch), settings);
        double seconds = (System.nanoTime() - begin) / 1e9;
        graph.setListeners();
        double accuracy;
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).build()) {
            accuracy = net.evaluate(data.testBatches(batch)).accuracy();
        }
        return String.format(
                Locale.ROOT,
                "Accuracy %.4f on %d test %s (%s)%nTrained %d epochs on %s in %.1f s%nPlan: %s%n",
                accuracy,
                data.testSize(),
                data.examples(),
                data.name(),
                settings.epochs(),
                settings.master(),
                seconds,
                plan);
    }

    private static List<DataSet> list(ExampleBatches batches, int epoch) {
        List<DataSet> all = new ArrayList<>();
        batches.startEpoch(epoch);
        while (batches.hasNext()) {
            all.add(batches.next());
        }
        return all;
    }

    /** Shows the score now and then. */
    private static final class Shown extends BaseTrainingListener {
        private static final long NANOS_BETWEEN = 2_000_000_000L;

        private final PrintWriter err;
        private long last = System.nanoTime() - NANOS_BETWEEN;

        Shown(PrintWriter err) {
            this.err = err;
        }

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            if (System.nanoTime() - last >= NANOS_BETWEEN) {
                last = System.nanoTime();
                err.printf(Locale.ROOT, "epoch %d, step %d, loss %.4f%n", epoch + 1, iteration + 1, model.score());
                err.flush();
            }
        }
    }
}
