package io.github.dl4jpipeline.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Nesterovs;

/** A process that trains one step, and says how long that has taken; with {@code settle}, as many as until the plan is chosen. */
final class FirstStepRun {
    /** A small network of dense layers, which is no model of the command line. */
    static final String MLP = "mlp";

    private static final int MOST_STEPS = 2_000;
    private static final int MLP_INPUTS = 20;
    private static final int MLP_WIDTH = 20;
    private static final int MLP_CLASSES = 5;

    private FirstStepRun() {}

    /** Arguments: model, batch, {@code plain} or {@code pipeline}, and {@code first} or {@code settle}. */
    public static void main(String[] arguments) {
        String model = arguments[0];
        int batch = Integer.parseInt(arguments[1]);
        boolean settle = arguments[3].equals("settle");
        ComputationGraph graph = graph(model);
        MultiDataSet data = data(model, batch);
        if (arguments[2].equals("plain")) {
            Clock clock = new Clock();
            graph.fit(data);
            System.out.println(clock.line("plain fit"));
            return;
        }
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).build()) {
            Clock clock = new Clock();
            net.fit(data);
            String line = clock.line(net.plan().summary());
            int steps = 1;
            while (settle && !net.report().settled() && steps < MOST_STEPS) {
                net.fit(data);
                steps++;
            }
            System.out.println(settle ? line + "\t" + steps + "\t" + net.plan().summary() : line);
            if (settle) {
                System.err.println(net.report());
            }
        }
    }

    private static ComputationGraph graph(String model) {
        return model.equals(MLP) ? mlp() : NamedModel.of(model, 1).graph();
    }

    private static ComputationGraph mlp() {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(1)
                .activation(Activation.RELU)
                .updater(new Nesterovs(0.01, 0.9))
                .graphBuilder()
                .addInputs("in")
                .addLayer(
                        "dense",
                        new DenseLayer.Builder().nIn(MLP_INPUTS).nOut(MLP_WIDTH).build(),
                        "in")
                .addLayer(
                        "out",
                        new OutputLayer.Builder()
                                .nIn(MLP_WIDTH)
                                .nOut(MLP_CLASSES)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "dense")
                .setOutputs("out")
                .build());
        graph.init();
        return graph;
    }

    private static MultiDataSet data(String model, int batch) {
        if (!model.equals(MLP)) {
            return RandomBatch.of(NamedModel.of(model, 1).shape(), batch, 1).toMultiDataSet();
        }
        return new org.nd4j.linalg.dataset.MultiDataSet(
                Nd4j.rand(batch, MLP_INPUTS),
                Nd4j.eye(MLP_CLASSES).repeat(0, batch / MLP_CLASSES + 1).getRows(rows(batch)));
    }

    private static int[] rows(int batch) {
        return IntStream.range(0, batch).toArray();
    }

    /** Runs while it is measured. */
    private static final class Clock {
        private static final OperatingSystemMXBean SYSTEM =
                (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

        private final long nanos = System.nanoTime();
        private final long cpuNanos = SYSTEM.getProcessCpuTime();

        String line(String what) {
            return String.format(
                    Locale.ROOT,
                    "%s\t%.0f\t%.0f\t%s",
                    FirstStep.MARK,
                    (System.nanoTime() - nanos) / 1e6,
                    (SYSTEM.getProcessCpuTime() - cpuNanos) / 1e6,
                    what);
        }
    }
}
