package io.github.dl4jpipeline.benchmarks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;

/** The table of the README: the pipeline beside plain {@code fit}, whose steps take turns in one process for each model. */
@Command(
        name = "table",
        description =
                "Training steps of the pipeline and of plain fit, which take turns; as rows of a table in Markdown.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class ReadmeTable implements Callable<Integer> {
    @Option(names = "--models", split = ",", paramLabel = "NAME:BATCH,…", description = "Models with their batches.")
    private List<String> models = List.of("alexnet-cifar:64", "resnet50:16", "lstm:64", "char-rnn:32", "lenet:64");

    @Option(names = "--steps", description = "Measured steps of each system.")
    private int steps = 6;

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<List<String>> rows = new ArrayList<>();
        for (String model : models) {
            String[] parts = model.split(":", -1);
            if (parts.length != 2) {
                System.err.println("--models: NAME:BATCH is needed, got " + model);
                return ExitCode.USAGE;
            }
            List<String> row = MeasuringProcess.run(
                    ReadmeTableRun.class, List.of(), List.of(parts[0], parts[1], String.valueOf(steps)));
            System.err.println(String.join(", ", row));
            rows.add(row);
        }
        System.out.printf(
                "Milliseconds, medians of %d steps in turn; plain fit with its better number of threads%n%n", steps);
        System.out.println("| model, batch | pipeline | plain `fit` | times as fast | plan chosen |");
        System.out.println("|---|---|---|---|---|");
        rows.forEach(row -> System.out.println("| " + String.join(" | ", row) + " |"));
        return 0;
    }
}
