package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.model.TileChoice;
import io.github.dl4jpipeline.plan.FusedTiling;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which vertices are run in tiles, and in which. */
final class TileOptions {
    private static final String AUTO = "auto";
    private static final Pattern GRID = Pattern.compile("([1-9][0-9]{0,2})x([1-9][0-9]{0,2})");

    @Option(
            names = "--tiles",
            paramLabel = "ROWSxCOLUMNS|auto",
            description =
                    "Run vertices in a grid of spatial tiles, such as 2x3; needs --tile-from and --tile-to. With auto,"
                            + " grid, vertices and cuts are chosen by predicted time and memory.")
    private @Nullable String grid;

    @Option(names = "--tile-from", paramLabel = "VERTEX", description = "The first vertex that is run in tiles.")
    private @Nullable String from;

    @Option(names = "--tile-to", paramLabel = "VERTEX", description = "The last vertex that is run in tiles.")
    private @Nullable String to;

    @Option(
            names = "--tile-cut",
            paramLabel = "VERTEX",
            split = ",",
            description = "Vertices after which tiles are put together and cut anew.")
    private List<String> cuts = List.of();

    /** What the options say. */
    TileChoice choice() {
        boolean named = from != null || to != null || !cuts.isEmpty();
        if (AUTO.equals(grid)) {
            if (named) {
                throw new InputException(
                        "--tiles auto chooses the vertices; leave out --tile-from, --tile-to and --tile-cut");
            }
            return TileChoice.AUTO;
        }
        if (grid == null) {
            if (named) {
                throw new InputException("--tile-from, --tile-to and --tile-cut need --tiles");
            }
            return TileChoice.NONE;
        }
        Matcher matcher = GRID.matcher(grid);
        if (!matcher.matches()) {
            throw new InputException("--tiles must be ROWSxCOLUMNS, such as 2x3, or auto, got " + grid);
        }
        if (from == null || to == null) {
            throw new InputException("--tiles needs --tile-from and --tile-to, the first and the last vertex in tiles");
        }
        return TileChoice.of(FusedTiling.grid(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)))
                .from(from)
                .to(to)
                .cutAfter(cuts.toArray(String[]::new)));
    }
}
