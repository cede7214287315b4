package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * One table of what a model gains from cores: one core, stages, and what the planner chooses, for each number of cores. Steps of all
 * rows alternate.
 */
@Command(
        name = "scaling",
        description =
                "Step times on one core, as pipelines, and with the planner's plan, for several numbers of cores.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class Scaling implements Callable<Integer> {
    private static final int WARM_UP = 3;

    /** More than the trial of plans takes. */
    private static final int MOST_TRIAL_STEPS = 300;

    @Option(names = "--model", description = "Name of an example model.")
    private String model = "alexnet-cifar";

    @Option(names = "--batch", description = "Examples of a batch.")
    private int batch = 64;

    @Option(names = "--cores", split = ",", description = "Numbers of cores; by default 1, 2, 4, … up to all.")
    private List<Integer> cores = new ArrayList<>();

    @Option(names = "--stages", split = ",", description = "Numbers of stages, where there are as many cores.")
    private List<Integer> stages = List.of(2, 4, 8);

    @Option(names = "--micro-batches", description = "Micro-batches of the pipelines.")
    private int microBatches = 4;

    @Option(names = "--rounds", description = "Measured steps of each row.")
    private int rounds = 10;

    @Option(names = "--stock", description = "Also plain fit, with as many threads as there are cores.")
    private boolean stock;

    /** A row of the table. */
    private record Row(String name, int cores, ComputationGraph graph, List<Double> millis) {
        double median() {
            List<Double> sorted = millis.stream().sorted().toList();
            return sorted.get(sorted.size() / 2);
        }
    }

    @Override
    public Integer call() {
        List<Device> all = Devices.cpu().list();
        if (cores.isEmpty()) {
            for (int count = 1; count <= all.size(); count *= 2) {
                cores.add(count);
            }
        }
        DataSet data = RandomBatch.of(NamedModel.of(model, 42).shape(), batch, 42);
        List<Row> rows = new ArrayList<>();
        Devices one = Devices.of(all.get(0));
        rows.add(row("one core", 1, builder(one).stages(1).microBatches(1)));
        rows.add(row(
                "one core, " + microBatches + " micro-batches",
                1,
                builder(one).stages(1).microBatches(microBatches)));
        for (int count : cores) {
            Devices some = Devices.of(all.subList(0, count).toArray(Device[]::new));
            for (int number : stages) {
                if (number <= count) {
                    rows.add(row(number + " stages", count, pipeline(some, number)));
                }
            }
            if (count > 1) {
                rows.add(row("planner's plan", count, builder(some)));
            }
        }
        if (stock) {
            rows.add(new Row("plain fit", all.size(), NamedModel.of(model, 42).graph(), new ArrayList<>()));
        }
        measure(rows, data);
        print(rows);
        for (Row row : rows) {
            if (row.graph() instanceof PipelineComputationGraph net) {
                net.close();
            }
        }
        return 0;
    }

    private PipelineBuilder builder(Devices devices) {
        return PipelineComputationGraph.builder(NamedModel.of(model, 42).graph())
                .devices(devices);
    }

    private PipelineBuilder pipeline(Devices devices, int number) {
        return builder(devices)
                .stages(number)
                .replicas(1)
                .microBatches(microBatches)
                .schedule(Schedules.zeroBubble());
    }

    private static Row row(String name, int cores, PipelineBuilder builder) {
        return new Row(name, cores, builder.build(), new ArrayList<>());
    }

    private void measure(List<Row> rows, DataSet data) {
        for (Row row : rows) {
            for (int step = 0; step < WARM_UP || (isTried(row.graph()) && step < MOST_TRIAL_STEPS); step++) {
                row.graph().fit(data);
            }
            System.err.printf("%s on %d cores is warm%n", row.name(), row.cores());
        }
        for (int round = 0; round < rounds; round++) {
            for (Row row : rows) {
                long start = System.nanoTime();
                row.graph().fit(data);
                row.millis().add((System.nanoTime() - start) / 1e6);
            }
        }
    }

    /** Whether a pipeline still tries plans. */
    private static boolean isTried(ComputationGraph graph) {
        return graph instanceof PipelineComputationGraph net && !net.report().settled();
    }

    private void print(List<Row> rows) {
        double one = rows.get(0).median();
        System.out.printf("%s, batch %d, medians of %d steps in turn%n", model, batch, rounds);
        System.out.printf("%-28s %5s %10s %12s  %s%n", "", "cores", "ms a step", "of one core", "plan");
        for (Row row : rows) {
            String plan = row.graph() instanceof PipelineComputationGraph net
                    ? net.plan().kind() + ", " + net.plan().stages().size() + " stages, "
                            + net.plan().microBatches() + " micro-batches, "
                            + net.plan().schedule()
                    : "";
            System.out.printf(
                    Locale.ROOT,
                    "%-28s %5d %10.1f %11.2fx  %s%n",
                    row.name(),
                    row.cores(),
                    row.median(),
                    one / row.median(),
                    plan);
        }
    }
}
