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

    @Option(names = "--pairs", description = "Turns of each side.")
    private int pairs = 30;

    @Option(names = "--steps", description = "Steps of a turn, after one that does not count.")
    private int steps = 4;

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
        DataSet data = RandomBatch.of(NamedModel.of(MODEL, 1).shape(), BATCH, 1);
        try (PipelineStatsListener page = new PipelineStatsListener(new InMemoryStatsStorage())) {
            Watching watching = new Watching(List.of(new PipelineMetrics(new SimpleMeterRegistry()), page));
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .devices(devices)
                    .plan(plan)
                    .listener(watching)
                    .build()) {
                for (int step = 0; step < WARM_UP; step++) {
                    net.fit(data);
                }
                measure(net, data, watching);
            }
        }
        return 0;
    }

    private void measure(PipelineComputationGraph net, DataSet data, Watching watching) {
        List<Double> ratios = new ArrayList<>();
        List<Double> cpuRatios = new ArrayList<>();
        List<Double> millis = new ArrayList<>();
        for (int pair = 0; pair < pairs; pair++) {
            boolean onFirst = pair % 2 == 0;
            Turn first = turn(net, data, watching, onFirst);
            Turn second = turn(net, data, watching, !onFirst);
            Turn on = onFirst ? first : second;
            Turn off = onFirst ? second : first;
            ratios.add((double) on.nanos() / off.nanos());
            cpuRatios.add((double) on.cpuNanos() / off.cpuNanos());
            millis.add(off.nanos() / 1e6 / steps);
        }
        System.out.printf(Locale.ROOT, "%s, batch %d: %.1f ms a step, %d pairs%n", MODEL, BATCH, median(millis), pairs);
        print("time", ratios);
        print("processor time", cpuRatios);
        System.out.printf(
                Locale.ROOT,
                "of it, in listeners: %.3f ms a step, %.2f %%%n",
                watching.millisOfStep(),
                100 * watching.millisOfStep() / median(millis));
    }

    private Turn turn(PipelineComputationGraph net, DataSet data, Watching watching, boolean on) {
        watching.on = on;
        try (Recording recording = new Recording()) {
            if (on) {
                List.of("Step", "Task", "Copy", "Plan").forEach(event -> recording.enable("dl4jpipeline." + event));
                recording.start();
            }
            net.fit(data);
            long start = System.nanoTime();
            long cpuStart = SYSTEM.getProcessCpuTime();
            for (int step = 0; step < steps; step++) {
                net.fit(data);
            }
            return new Turn(System.nanoTime() - start, SYSTEM.getProcessCpuTime() - cpuStart);
        }
    }

    private static void print(String what, List<Double> ratios) {
        System.out.printf(
                Locale.ROOT,
                "%s, on by off: median %.4f, quartiles %.4f to %.4f%n",
                what,
                median(ratios),
                PredictedRun.quantile(ratios, 0.25),
                PredictedRun.quantile(ratios, 0.75));
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
