package io.github.dl4jpipeline.report;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Pieces of HTML. Whatever comes from users, such as names of vertices, goes through {@link #text}. */
final class Html {
    private Html() {}

    /** Text in which nothing is taken for markup, in elements and in quoted attributes. */
    static String text(String plain) {
        StringBuilder safe = new StringBuilder(plain.length());
        for (int i = 0; i < plain.length(); i++) {
            char c = plain.charAt(i);
            switch (c) {
                case '&' -> safe.append("&amp;");
                case '<' -> safe.append("&lt;");
                case '>' -> safe.append("&gt;");
                case '"' -> safe.append("&quot;");
                case '\'' -> safe.append("&#39;");
                default -> safe.append(Character.isISOControl(c) ? ' ' : c);
            }
        }
        return safe.toString();
    }

    /** A number with a dot, whatever the machine's language. */
    static String number(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    /** A table; the first cell of a row names it. Cells are plain text. */
    static String table(String caption, List<String> titles, List<List<String>> rows) {
        String head = titles.stream()
                .map(title -> "<th scope=\"col\">" + text(title) + "</th>")
                .collect(Collectors.joining());
        String body = rows.stream().map(Html::row).collect(Collectors.joining("\n"));
        return scrolling(
                caption,
                "<table><caption>" + text(caption) + "</caption><thead><tr>" + head + "</tr></thead><tbody>\n" + body
                        + "\n</tbody></table>");
    }

    private static String row(List<String> cells) {
        StringBuilder row = new StringBuilder("<tr><th scope=\"row\">" + text(cells.get(0)) + "</th>");
        cells.subList(1, cells.size())
                .forEach(cell -> row.append("<td>").append(text(cell)).append("</td>"));
        return row.append("</tr>").toString();
    }

    /** What may be wider than the page; it scrolls by itself, by keyboard too. */
    static String scrolling(String label, String content) {
        return "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"" + text(label) + "\">" + content
                + "</div>\n";
    }

    /** A picture with its description for those who do not see it. */
    static String picture(String id, String description, int width, int height, String content) {
        return "<svg role=\"img\" aria-labelledby=\"" + id + "\" viewBox=\"0 0 " + width + " " + height + "\" width=\""
                + width + "\" height=\"" + height + "\"><title id=\"" + id + "\">" + text(description) + "</title>"
                + content + "</svg>";
    }
}
