package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.SplitFigures.Part;
import io.github.dl4jpipeline.internal.partition.TextTable;
import java.util.Locale;

/** What each device holds and computes, for people. */
final class SplitTable {
    private SplitTable() {}

    static String of(SplitFigures figures) {
        TextTable table = new TextTable("device with", "parameters", "memory", "multiply-adds an image");
        add(table, figures.original());
        figures.parts().forEach(part -> add(table, part));
        return table.toString();
    }

    private static void add(TextTable table, Part part) {
        table.row(
                part.name(),
                String.format(Locale.ROOT, "%,d", part.parameters()),
                String.format(Locale.ROOT, "%.2f MB", part.memoryBytes() / 1e6),
                String.format(Locale.ROOT, "%,d", part.multiplyAdds()));
    }
}
