package io.github.dl4jpipeline.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.PipelineListener;
import io.github.dl4jpipeline.PipelineMetrics;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.ui.PipelineStatsListener;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import jdk.jfr.Recording;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.ui.model.storage.InMemoryStatsStorage;
import org.nd4j.linalg.dataset.DataSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What it costs to watch a run: steps with a recording of Java Flight Recorder, metrics and the listener of the training UI, and steps
 * without, in turn. All are of one pipeline, since two differ by more, by where their memory happens to lie. So what steps always do is
 * on both sides: their times are kept, and events for listeners are made, in about a microsecond for each task.
 *
 * <p>What is watched does not depend on the number of examples. So what a step costs more is measured on short steps, where it stands out
 * from the noise, and put beside a step of the usual batch.
 */
@Command(
        name = "overhead",
        description = "What a recording, metrics and the live page cost, on and off in turn, with AlexNet-CIFAR.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class Overhead implements Callable<Integer> {
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private static final String MODEL = "alexnet-cifar";
    private static final int BATCH = 64;
    private static final int MICRO_BATCHES = 8;
    private static final int WARM_UP = 12;

    /** A recording that begins or ends has code compiled anew. */
    private static final int STEPS_BEFORE = 10;

    private static final int USUAL_STEPS = 20;

    /** Of the normal distribution, for 95 %. */
    private static final double DEVIATIONS = 1.96;

    @Option(names = "--pairs", description = "Turns of each side.")
    private int pairs = 100;

    @Option(names = "--steps", description = "Steps of a turn, after some that do not count.")
    private int steps = 10;

    @Option(names = "--batch", description = "Examples of the short steps that cost is measured on.")
    private int batch = 8;

    /** What a turn has taken, in nanoseconds. */
    private record Turn(long nanos, long cpuNanos) {}

    @Override
    public Integer call() {
        ComputationGraph graph = NamedModel.of(MODEL, 1).graph();
        Devices devices = Devices.cpu(2);
        List<String> names = VertexGraph.of(graph).names();
        PartitionPlan plan = PartitionPlan.of(
                List.of(
                        Stage.of(devices.get(0), names.subList(0, names.size() / 2)),
                        Stage.of(devices.get(1), names.subList(names.size() / 2, names.size()))),
                MICRO_BATCHES);
        DataSet few = RandomBatch.of(NamedModel.of(MODEL, 1).shape(), batch, 1);
        DataSet usual = RandomBatch.of(NamedModel.of(MODEL, 1).shape(), BATCH, 1);
        try (PipelineStatsListener page = new PipelineStatsListener(new InMemoryStatsStorage())) {
            Watching watching = new Watching(List.of(new PipelineMetrics(new SimpleMeterRegistry()), page));
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .devices(devices)
                    .plan(plan)
                    .listener(watching)
                    .build()) {
                for (int step = 0; step < WARM_UP; step++) {
                    net.fit(few);
                }
                measure(net, few, usual, watching);
            }
        }
        return 0;
    }

    private void measure(PipelineComputationGraph net, DataSet few, DataSet usual, Watching watching) {
        List<Double> millis = new ArrayList<>();
        List<Double> cpuMillis = new ArrayList<>();
        for (int pair = 0; pair < pairs; pair++) {
            boolean onFirst = pair % 2 == 0;
            Turn first = turn(net, few, watching, onFirst);
            Turn second = turn(net, few, watching, !onFirst);
            Turn on = onFirst ? first : second;
            Turn off = onFirst ? second : first;
            millis.add((on.nanos() - off.nanos()) / 1e6 / steps);
            cpuMillis.add((on.cpuNanos() - off.cpuNanos()) / 1e6 / steps);
        }
        Turn step = usual(net, usual, watching);
        System.out.printf(
                Locale.ROOT,
                "%s, batch %d: %.1f ms a step, %.1f ms of processor time; %d pairs%n",
                MODEL,
                BATCH,
                step.nanos() / 1e6,
                step.cpuNanos() / 1e6,
                pairs);
        print("time", millis, step.nanos() / 1e6);
        print("processor time", cpuMillis, step.cpuNanos() / 1e6);
        System.out.printf(
                Locale.ROOT, "of it, in listeners: %.3f ms a step, at batch %d%n", watching.millisOfStep(), batch);
    }

    /** Median of a step of the usual batch, with nothing watched. */
    private static Turn usual(PipelineComputationGraph net, DataSet data, Watching watching) {
        watching.on = false;
        List<Double> nanos = new ArrayList<>();
        List<Double> cpuNanos = new ArrayList<>();
        for (int step = -STEPS_BEFORE; step < USUAL_STEPS; step++) {
            long start = System.nanoTime();
            long cpuStart = SYSTEM.getProcessCpuTime();
            net.fit(data);
            if (step >= 0) {
                nanos.add((double) (System.nanoTime() - start));
                cpuNanos.add((double) (SYSTEM.getProcessCpuTime() - cpuStart));
            }
        }
        return new Turn(Math.round(median(nanos)), Math.round(median(cpuNanos)));
    }

    private Turn turn(PipelineComputationGraph net, DataSet data, Watching watching, boolean on) {
        watching.on = on;
        try (Recording recording = new Recording()) {
            if (on) {
                List.of("Step", "Task", "Copy", "Plan").forEach(event -> recording.enable("dl4jpipeline." + event));
                recording.start();
            }
            for (int step = 0; step < STEPS_BEFORE; step++) {
                net.fit(data);
            }
            long start = System.nanoTime();
            long cpuStart = SYSTEM.getProcessCpuTime();
            for (int step = 0; step < steps; step++) {
                net.fit(data);
            }
            return new Turn(System.nanoTime() - start, SYSTEM.getProcessCpuTime() - cpuStart);
        }
    }

    /** The median of what a step costs more, with the interval that it is in with 95 % confidence, and the same beside a usual step. */
    private static void print(String what, List<Double> differences, double usualMillis) {
        double margin = DEVIATIONS / 2 / Math.sqrt(differences.size());
        double middle = median(differences);
        double least = PredictedRun.quantile(differences, Math.max(0, 0.5 - margin));
        double most = PredictedRun.quantile(differences, Math.min(1, 0.5 + margin));
        System.out.printf(
                Locale.ROOT,
                "%s: %.3f ms a step (%.3f to %.3f); on by off %.4f (%.4f to %.4f)%n",
                what,
                middle,
                least,
                most,
                1 + middle / usualMillis,
                1 + least / usualMillis,
                1 + most / usualMillis);
    }

    private static double median(List<Double> values) {
        return PredictedRun.quantile(values, 0.5);
    }

    /** Listeners that can be left out. */
    private static final class Watching implements PipelineListener {
        private final List<PipelineListener> listeners;
        private long steps;
        private long nanos;
        boolean on = true;

        Watching(List<PipelineListener> listeners) {
            this.listeners = listeners;
        }

        @Override
        public void planChosen(PlanChosen event) {
            listeners.forEach(listener -> listener.planChosen(event));
        }

        @Override
        public void stepDone(StepDone event) {
            if (on) {
                long start = System.nanoTime();
                listeners.forEach(listener -> listener.stepDone(event));
                nanos += System.nanoTime() - start;
                steps++;
            }
        }

        double millisOfStep() {
            return nanos / 1e6 / steps;
        }
    }
}
