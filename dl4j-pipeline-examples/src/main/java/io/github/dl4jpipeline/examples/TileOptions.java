package io.github.dl4jpipeline.examples;

import io.github.dl4jpipeline.examples.io.InputException;
import io.github.dl4jpipeline.tile.FusedTiling;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which vertices are run in tiles, and in which. */
final class TileOptions {
    private static final Pattern GRID = Pattern.compile("([1-9][0-9]{0,2})x([1-9][0-9]{0,2})");

    @Option(
            names = "--tiles",
            paramLabel = "ROWSxCOLUMNS",
            description = "Run vertices in a grid of spatial tiles, such as 2x3. Needs --tile-from and --tile-to.")
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

    /** What the options say; empty without {@code --tiles}. */
    Optional<FusedTiling> tiling() {
        if (grid == null) {
            if (from != null || to != null || !cuts.isEmpty()) {
                throw new InputException("--tile-from, --tile-to and --tile-cut need --tiles");
            }
            return Optional.empty();
        }
        Matcher matcher = GRID.matcher(grid);
        if (!matcher.matches()) {
            throw new InputException("--tiles must be ROWSxCOLUMNS, such as 2x3, got " + grid);
        }
        if (from == null || to == null) {
            throw new InputException("--tiles needs --tile-from and --tile-to, the first and the last vertex in tiles");
        }
        return Optional.of(FusedTiling.grid(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)))
                .from(from)
                .to(to)
                .cutAfter(cuts.toArray(String[]::new)));
    }
}
