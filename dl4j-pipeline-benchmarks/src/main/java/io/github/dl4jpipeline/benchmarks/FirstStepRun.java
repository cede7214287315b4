package io.github.dl4jpipeline.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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

/** A process that trains one step, or until the plan is chosen, and prints what that has taken. */
final class FirstStepRun {
    /** One step of plain {@code fit}. */
    static final String PLAIN = "plain";

    /** One step of a pipeline. */
    static final String FIRST = "first";

    /** As many steps of a pipeline as until its plan is chosen, which is then saved. */
    static final String SETTLE = "settle";

    /** The same after a thorough profile; then steps with this plan and with the one that was saved, in turn. */
    static final String THOROUGH = "thorough";

    /** A small network of dense layers, which is no model of the command line. */
    static final String MLP = "mlp";

    private static final Duration LONGEST = Duration.ofMinutes(3);
    private static final int TURNS = 12;
    private static final int STEPS_OF_TURN = 2;
    private static final int MLP_INPUTS = 20;
    private static final int MLP_WIDTH = 20;
    private static final int MLP_CLASSES = 5;

    private final String model;
    private final MultiDataSet data;
    private final Path planFile;

    private FirstStepRun(String model, int batch, Path planFile) {
        this.model = model;
        this.data = data(model, batch);
        this.planFile = planFile;
    }

    /** Arguments: model, batch, what to do, and the file for the plan. */
    public static void main(String[] arguments) {
        FirstStepRun run = new FirstStepRun(arguments[0], Integer.parseInt(arguments[1]), Path.of(arguments[3]));
        String line =
                switch (arguments[2]) {
                    case PLAIN -> run.plain();
                    case FIRST -> run.pipeline(false);
                    case SETTLE -> run.pipeline(true);
                    default -> run.thorough();
                };
        System.out.println(line);
    }

    private String plain() {
        ComputationGraph graph = graph(model);
        Clock clock = new Clock();
        graph.fit(data);
        return clock.line("plain fit");
    }

    private String pipeline(boolean settle) {
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph(model)).build()) {
            Clock clock = new Clock();
            net.fit(data);
            String line = clock.line(net.plan().summary());
            if (!settle) {
                return line;
            }
            int steps = 1 + settle(net);
            net.plan().save(planFile);
            return line
                    + MeasuringProcess.more(String.valueOf(steps), net.plan().summary());
        }
    }

    /** Trains until the plan is chosen, and returns the number of steps. */
    private int settle(PipelineComputationGraph net) {
        long begin = System.nanoTime();
        int steps = 0;
        while (!net.report().settled()) {
            net.fit(data);
            steps++;
            if (System.nanoTime() - begin > LONGEST.toNanos()) {
                throw new IllegalStateException(model + " has no plan after " + steps + " steps and " + LONGEST);
            }
        }
        System.err.println(net.report());
        return steps;
    }

    /** The line has the plan, the medians of the plan saved and of this one, and their ratio. */
    private String thorough() {
        Clock clock = new Clock();
        PartitionPlan chosen;
        GraphProfile profile;
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph(model))
                .noProfileCache()
                .deadline(Duration.ofHours(1)) // with one, a thorough profile comes first
                .build()) {
            net.fit(data);
            settle(net);
            chosen = net.plan();
            profile = net.profile().orElseThrow();
        }
        PartitionPlan kept = PartitionPlan.load(planFile);
        if (asRun(kept).equals(asRun(chosen))) {
            return clock.line(chosen.summary(), "", "", "the same plan");
        }
        double[] medians = inTurn(profile, List.of(kept, chosen));
        return clock.line(
                chosen.summary(), tenth(medians[0]), tenth(medians[1]), format("%.3f", medians[0] / medians[1]));
    }

    /** What decides how a plan runs: not what is predicted, nor how much memory was free when it was made. */
    private static List<Object> asRun(PartitionPlan plan) {
        return List.of(
                plan.stages().stream()
                        .map(stage -> List.of(
                                stage.vertices(),
                                stage.recompute(),
                                stage.devices().stream()
                                        .map(device -> device.id() + device.cores())
                                        .toList()))
                        .toList(),
                plan.microBatches(),
                plan.schedule(),
                plan.tiling());
    }

    private static String tenth(double millis) {
        return format("%.1f", millis);
    }

    private static String format(String pattern, double value) {
        return String.format(Locale.ROOT, pattern, value);
    }

    /** Median times of a step with each plan. The first step of a turn does not count: it finds caches full of other arrays. */
    private double[] inTurn(GraphProfile profile, List<PartitionPlan> plans) {
        List<PipelineComputationGraph> nets = plans.stream()
                .map(plan -> PipelineComputationGraph.builder(graph(model))
                        .profile(profile)
                        .plan(plan)
                        .build())
                .toList();
        try {
            List<List<Double>> millis = plans.stream()
                    .map(plan -> (List<Double>) new ArrayList<Double>())
                    .toList();
            nets.forEach(net -> net.fit(data));
            for (int turn = 0; turn < TURNS; turn++) {
                for (int i = 0; i < nets.size(); i++) {
                    int at = (turn + i) % nets.size();
                    nets.get(at).fit(data);
                    for (int step = 0; step < STEPS_OF_TURN; step++) {
                        long start = System.nanoTime();
                        nets.get(at).fit(data);
                        millis.get(at).add((System.nanoTime() - start) / 1e6);
                    }
                }
            }
            return millis.stream()
                    .mapToDouble(times -> PredictedRun.quantile(times, 0.5))
                    .toArray();
        } finally {
            nets.forEach(PipelineComputationGraph::close);
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

        /** The time and processor time until now, and more results. */
        String line(String... more) {
            List<String> results = new ArrayList<>();
            results.add(millis(System.nanoTime() - nanos));
            results.add(millis(SYSTEM.getProcessCpuTime() - cpuNanos));
            results.addAll(List.of(more));
            return MeasuringProcess.line(results);
        }

        private static String millis(long nanos) {
            return String.format(Locale.ROOT, "%.0f", nanos / 1e6);
        }
    }
}
