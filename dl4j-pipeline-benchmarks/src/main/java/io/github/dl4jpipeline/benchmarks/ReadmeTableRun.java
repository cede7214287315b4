package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.cli.compare.Comparison;
import io.github.dl4jpipeline.cli.compare.SystemFigures;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.PipelineChoice;
import io.github.dl4jpipeline.cli.model.TileChoice;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** A process that measures a row of {@link ReadmeTable}. */
final class ReadmeTableRun {
    private static final String PLAIN = "stock-fit";
    private static final int SEED = 42;

    private ReadmeTableRun() {}

    /** Arguments: model, batch, and number of steps. */
    public static void main(String[] arguments) {
        int batch = Integer.parseInt(arguments[1]);
        List<SystemFigures> systems = Comparison.run(
                        NamedModel.of(arguments[0], SEED),
                        defaults(),
                        batch,
                        Set.of(PLAIN),
                        Integer.parseInt(arguments[2]),
                        false,
                        SEED,
                        new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .systems();
        SystemFigures pipeline = systems.get(0);
        SystemFigures plain = systems.get(1);
        System.out.println(MeasuringProcess.line(List.of(
                arguments[0] + ", " + batch,
                millis(pipeline.medianMillis()),
                millis(plain.medianMillis()),
                String.format(Locale.ROOT, "%.1f", plain.medianMillis() / pipeline.medianMillis()),
                plan(pipeline))));
    }

    private static PipelineChoice defaults() {
        return new PipelineChoice(
                new PipelineChoice.Split(
                        Optional.empty(),
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        Optional.empty()),
                Optional.empty(),
                OptionalInt.empty(),
                TileChoice.NONE,
                false);
    }

    private static String millis(double value) {
        return String.format(Locale.ROOT, "%,.0f", value);
    }

    private static String plan(SystemFigures pipeline) {
        int microBatches = (int) pipeline.details().getOrDefault("microBatches", 1);
        return pipeline.details().get("plan") + ", " + microBatches
                + (microBatches == 1 ? " micro-batch" : " micro-batches");
    }
}
