package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.cli.io.TextTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
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

/** How long the first step takes, each in a process of its own: plain, with an empty cache of profiles, and with a full one. */
@Command(
        name = "first-step",
        description =
                "Time from fit to the end of the first step: plain fit, a pipeline, and one that finds its profile"
                        + " in the cache; each in a process of its own, in turn. Medians.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class FirstStep implements Callable<Integer> {
    /** Begins the line that a process prints. */
    static final String MARK = "first-step";

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
            names = "--settle",
            description = "Train on until the plan is chosen, and say after how many steps, and which it is.")
    private boolean settle;

    private record Run(double millis, double cpuMillis, String plan) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        TextTable table = new TextTable()
                .row(
                        "model",
                        "plain fit",
                        "pipeline",
                        "with cache",
                        "plain CPU",
                        "pipeline CPU",
                        "with cache CPU",
                        "plan");
        for (String model : models) {
            List<Run> plain = new ArrayList<>();
            List<Run> cold = new ArrayList<>();
            List<Run> cached = new ArrayList<>();
            for (int run = 0; run < runs; run++) {
                Path cache = Files.createTempDirectory("first-step");
                try {
                    plain.add(run(model, "plain", cache));
                    cold.add(run(model, "pipeline", cache));
                    cached.add(run(model, "pipeline", cache));
                } finally {
                    delete(cache);
                }
            }
            table.row(
                    model,
                    seconds(plain, Run::millis),
                    seconds(cold, Run::millis),
                    seconds(cached, Run::millis),
                    seconds(plain, Run::cpuMillis),
                    seconds(cold, Run::cpuMillis),
                    seconds(cached, Run::cpuMillis),
                    cold.get(cold.size() - 1).plan());
        }
        System.out.print(table);
        return 0;
    }

    private Run run(String model, String how, Path cache) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Ddl4jpipeline.profileCache=" + cache,
                        "-cp",
                        System.getProperty("java.class.path"),
                        FirstStepRun.class.getName(),
                        model,
                        String.valueOf(BATCHES.getOrDefault(model, BATCH)),
                        how,
                        settle ? "settle" : "first")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = process.waitFor();
        String[] fields = out.lines()
                .filter(line -> line.startsWith(MARK))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(model + ", " + how + " has ended with " + code))
                .split("\t", -1);
        String plan = fields.length > 4 ? fields[5] + " after " + fields[4] + " steps" : fields[3];
        System.err.printf("%s, %s: %s ms, CPU %s ms, %s%n", model, how, fields[1], fields[2], plan);
        return new Run(Double.parseDouble(fields[1]), Double.parseDouble(fields[2]), plan);
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
