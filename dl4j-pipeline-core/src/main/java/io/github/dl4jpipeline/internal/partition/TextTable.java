package io.github.dl4jpipeline.internal.partition;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Lays cells out in columns. Columns whose cells begin with digits stand right, others left; a first column of words too. */
public final class TextTable {
    private static final String GAP = "  ";

    /** No column is made narrower. */
    private static final int NARROWEST = 5;

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

    /** A line for each row. */
    @Override
    public String toString() {
        return within(Integer.MAX_VALUE);
    }

    /** The table in so many characters a line: the widest columns have their cells in several lines. */
    public String within(int characters) {
        int[] widths = widths(characters);
        boolean[] numbers = new boolean[widths.length];
        for (int column = 0; column < widths.length; column++) {
            int here = column;
            numbers[column] = rows.stream().skip(1).allMatch(row -> isNumber(row.get(here)));
        }
        StringBuilder text = new StringBuilder();
        for (List<String> row : rows) {
            List<List<String>> cells = IntStream.range(0, widths.length)
                    .mapToObj(column -> lines(row.get(column), widths[column]))
                    .toList();
            int height = cells.stream().mapToInt(List::size).max().orElse(0);
            for (int line = 0; line < height; line++) {
                StringBuilder joined = new StringBuilder();
                for (int column = 0; column < widths.length; column++) {
                    List<String> cell = cells.get(column);
                    String part = line < cell.size() ? cell.get(line) : "";
                    String padding = " ".repeat(widths[column] - part.length());
                    joined.append(column == 0 ? "" : GAP).append(numbers[column] ? padding + part : part + padding);
                }
                text.append(joined.toString().stripTrailing()).append(System.lineSeparator());
            }
        }
        return text.toString();
    }

    /** As wide as the cells; then the widest becomes narrower until all fit. */
    private int[] widths(int characters) {
        int[] widths = IntStream.range(0, rows.get(0).size())
                .map(column -> rows.stream()
                        .mapToInt(row -> row.get(column).length())
                        .max()
                        .orElseThrow())
                .toArray();
        int room = characters - GAP.length() * (widths.length - 1);
        for (int all = IntStream.of(widths).sum(); all > room; all--) {
            int widest = IntStream.range(0, widths.length)
                    .reduce(0, (one, other) -> widths[other] > widths[one] ? other : one);
            if (widths[widest] <= NARROWEST) {
                break;
            }
            widths[widest]--;
        }
        return widths;
    }

    /** A cell in lines, parted at spaces, or anywhere where a word is too long. */
    private static List<String> lines(String cell, int width) {
        List<String> lines = new ArrayList<>();
        String rest = cell;
        while (rest.length() > width) {
            int space = rest.lastIndexOf(' ', width);
            int end = space > 0 ? space : width;
            lines.add(rest.substring(0, end));
            rest = rest.substring(end).stripLeading();
        }
        lines.add(rest);
        return lines;
    }

    private static boolean isNumber(String cell) {
        return cell.isEmpty() || Character.isDigit(cell.charAt(0));
    }
}
