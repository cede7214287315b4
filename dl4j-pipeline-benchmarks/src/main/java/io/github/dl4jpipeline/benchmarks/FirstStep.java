package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.internal.partition.TextTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How long the first step takes, each in a process of its own: plain, with an empty cache of profiles, and with a full one. With
 * {@code --choice}, also which plan training comes to, and how it compares with the plan of a thorough profile before the first step.
 */
@Command(
        name = "first-step",
        description =
                "Time from fit to the end of the first step: plain fit, a pipeline, and one that finds its profile"
                        + " in the cache; each in a process of its own, in turn. Medians. With --choice, also the plan that"
                        + " training comes to, beside that of a thorough profile before the first step, and steps of both"
                        + " in turn.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class FirstStep implements Callable<Integer> {
    private static final int BATCH = 64;

    /** Batches of large networks are smaller. */
    private static final Map<String, Integer> BATCHES = Map.of("alexnet", 16, "resnet50", 16);

    @Option(
            names = "--models",
            split = ",",
            paramLabel = "NAME,…",
            defaultValue = "mlp,lenet,alexnet-cifar,resnet-cifar,vgg16-cifar,resnet50",
            description = "mlp, or models of the command line. Default: ${DEFAULT-VALUE}.")
    private List<String> models = List.of();

    @Option(names = "--runs", defaultValue = "3", description = "Processes of each kind. Default: ${DEFAULT-VALUE}.")
    private int runs = 3;

    @Option(
            names = "--choice",
            description = "Train on until the plan is chosen, and measure it beside that of a thorough profile.")
    private boolean choice;

    private record Run(double millis, double cpuMillis, List<String> rest) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        TextTable first = new TextTable(
                "model", "plain fit", "pipeline", "with cache", "plain CPU", "pipeline CPU", "with cache CPU", "plan");
        TextTable choices = new TextTable(
                "model", "steps to it", "plan kept", "plan of a thorough profile", "ms kept", "ms thorough", "ratio");
        for (String model : models) {
            List<Run> plain = new ArrayList<>();
            List<Run> cold = new ArrayList<>();
            List<Run> cached = new ArrayList<>();
            for (int run = 0; run < runs; run++) {
                Path directory = Files.createTempDirectory("first-step");
                boolean chooses = choice && run == 0;
                try {
                    plain.add(run(model, FirstStepRun.PLAIN, directory));
                    cold.add(run(model, chooses ? FirstStepRun.SETTLE : FirstStepRun.FIRST, directory));
                    cached.add(run(model, FirstStepRun.FIRST, directory));
                    if (chooses) {
                        List<String> kept = cold.get(0).rest();
                        List<String> thorough =
                                run(model, FirstStepRun.THOROUGH, directory).rest();
                        choices.row(
                                model,
                                kept.get(1),
                                kept.get(2),
                                thorough.get(0),
                                thorough.get(1),
                                thorough.get(2),
                                thorough.get(3));
                    }
                } finally {
                    delete(directory);
                }
            }
            first.row(
                    model,
                    seconds(plain, Run::millis),
                    seconds(cold, Run::millis),
                    seconds(cached, Run::millis),
                    seconds(plain, Run::cpuMillis),
                    seconds(cold, Run::cpuMillis),
                    seconds(cached, Run::cpuMillis),
                    cold.get(cold.size() - 1).rest().get(0));
        }
        System.out.print(first);
        if (choice) {
            System.out.println();
            System.out.print(choices);
        }
        return 0;
    }

    /** Profiles are cached in the directory, and a plan that is kept is put there. */
    private Run run(String model, String how, Path directory) throws IOException, InterruptedException {
        List<String> fields = MeasuringProcess.run(
                FirstStepRun.class,
                List.of("-Ddl4jpipeline.profileCache=" + directory.resolve("profiles")),
                List.of(
                        model,
                        String.valueOf(BATCHES.getOrDefault(model, BATCH)),
                        how,
                        directory.resolve("plan.json").toString()));
        List<String> rest = fields.subList(2, fields.size());
        System.err.printf(
                "%s, %s: %s ms, CPU %s ms, %s%n", model, how, fields.get(0), fields.get(1), String.join(", ", rest));
        return new Run(Double.parseDouble(fields.get(0)), Double.parseDouble(fields.get(1)), rest);
    }

    private static String seconds(List<Run> of, ToDoubleFunction<Run> value) {
        double[] sorted = of.stream().mapToDouble(value).sorted().toArray();
        return String.format(Locale.ROOT, "%.2f s", sorted[sorted.length / 2] / 1e3);
    }

    private static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
