package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.compare.CompareFigures;
import io.github.dl4jpipeline.cli.compare.SystemFigures;
import io.github.dl4jpipeline.internal.partition.TextTable;
import java.util.Locale;
import java.util.stream.Collectors;

/** Lays a comparison out as a table. */
final class CompareTable {
    private CompareTable() {}

    static String of(CompareFigures figures) {
        StringBuilder text = new StringBuilder();
        text.append(format(
                "%s, %,d parameters, batch %d, %d steps of each, in turns, after %d to warm up, %d cores, nd4j-native %s%n",
                figures.model(),
                figures.parameters(),
                figures.batch(),
                figures.steps(),
                figures.warmUpSteps(),
                figures.cores(),
                figures.classifier()));
        TextTable table = new TextTable("system", "median step", "fastest", "/ pipeline", "OMP threads", "");
        for (SystemFigures system : figures.systems()) {
            table.row(
                    system.name(),
                    format("%.1f ms", system.medianMillis()),
                    format("%.1f ms", system.minMillis()),
                    format("%.2f", system.ratio()),
                    String.valueOf(system.ompThreads()),
                    details(system));
        }
        text.append(table);
        figures.notMeasured()
                .forEach(missing -> text.append(format("%s: not measured, %s%n", missing.name(), missing.reason())));
        return text.toString();
    }

    private static String details(SystemFigures system) {
        return system.details().entrySet().stream()
                .map(detail -> detail.getKey() + " " + text(detail.getValue()))
                .collect(Collectors.joining(", "));
    }

    private static String text(Object value) {
        return value instanceof Double ? format("%.1f", value) : value.toString();
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
