package io.github.dl4jpipeline.internal.partition;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Lays cells out in columns. Columns whose cells begin with digits stand right, others left; a first column of words too. */
public final class TextTable {
    private static final String GAP = "  ";

    private final List<List<String>> rows = new ArrayList<>();

    /** @param titles of the columns, with their units */
    public TextTable(String... titles) {
        rows.add(List.of(titles));
    }

    /** Adds a row with a cell for each title. */
    public TextTable row(String... cells) {
        if (cells.length != rows.get(0).size()) {
            throw new IllegalArgumentException(
                    "A row needs " + rows.get(0).size() + " cells, got " + Arrays.toString(cells));
        }
        rows.add(List.of(cells));
        return this;
    }

    @Override
    public String toString() {
        List<StringBuilder> lines =
                rows.stream().map(row -> new StringBuilder()).toList();
        for (int column = 0; column < rows.get(0).size(); column++) {
            int width = 0;
            boolean numbers = true;
            for (List<String> row : rows) {
                width = Math.max(width, row.get(column).length());
                numbers &= row == rows.get(0) || isNumber(row.get(column));
            }
            for (int line = 0; line < lines.size(); line++) {
                String cell = rows.get(line).get(column);
                String padding = " ".repeat(width - cell.length());
                lines.get(line).append(column == 0 ? "" : GAP).append(numbers ? padding + cell : cell + padding);
            }
        }
        StringBuilder text = new StringBuilder();
        lines.forEach(line -> text.append(line.toString().stripTrailing()).append(System.lineSeparator()));
        return text.toString();
    }

    private static boolean isNumber(String cell) {
        return cell.isEmpty() || Character.isDigit(cell.charAt(0));
    }
}
