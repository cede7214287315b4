package io.github.dl4jpipeline.tile;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Against figures counted by hand. */
class TileLoadTest {
    private static final Window THREE = new Window(3, 1, 1, 1, false);
    private static final Window HALVED = new Window(2, 2, 0, 1, false);

    private static TileVertex vertex(String name, Window window, int channels, long multiplyAdds, Integer... inputs) {
        return new TileVertex(name, List.of(inputs), window, window, channels, multiplyAdds, false);
    }

    private static TileGeometry geometry(int height, int width, TileVertex... vertices) {
        return new TileGeometry(TileRegion.of(List.of(vertices), new TileGrid(1, 2), Set.of()), height, width);
    }

    private static TileLoad load(TileGeometry geometry, int tile) {
        return TileLoad.of(geometry.task(0, tile));
    }

    @Test
    void aConvolutionReadsAColumnOfItsNeighbourAndCopiesItsInputForThePadding() {
        TileGeometry geometry = geometry(8, 10, TileVertex.source("image", 3), vertex("conv", THREE, 4, 27, 0));
        // 5 columns out of 6, with a row of padding above and below, and a column on one side.
        TileLoad expected = new TileLoad(8 * 5 * 4 * 27, 8 * 6 * 3, 8 * 5 * 4, 10 * 7 * 3, 8 * 5 * 4);
        assertThat(load(geometry, 0)).isEqualTo(expected);
        assertThat(load(geometry, 1)).isEqualTo(expected);
    }

    @Test
    void whatIsReadWithinTheGroupAsItIsIsNotCopied() {
        TileGeometry geometry = geometry(
                4,
                6,
                TileVertex.source("image", 1),
                vertex("conv", THREE, 2, 9, 0),
                vertex("relu", Window.POINT, 2, 0, 1),
                vertex("pool", HALVED, 2, 0, 2));
        // Two of three columns of the pool's output: four columns before it.
        assertThat(load(geometry, 0))
                .isEqualTo(new TileLoad(4 * 4 * 2 * 9, 4 * 5, 2 * 4 * 4 * 2 + 2 * 2 * 2, 6 * 6, 2 * 2 * 2));
        assertThat(load(geometry, 1))
                .isEqualTo(new TileLoad(4 * 2 * 2 * 9, 4 * 3, 2 * 4 * 2 * 2 + 2 * 2, 6 * 4, 2 * 2));
        TileCost cost = TileCost.of(geometry);
        assertThat(cost).isEqualTo(new TileCost(432, 432, 20 + 72, 72 + 36, 24 + 48 + 48 + 12, 20 + 12 - 24));
        assertThat(cost.repeated()).isEqualTo(1);
        assertThat(cost.saving()).isEqualTo(132.0 / 92);
    }

    @Test
    void aPartOfWhatTheTileHasComputedIsCopied() {
        TileGeometry geometry = geometry(
                2,
                4,
                TileVertex.source("image", 1),
                vertex("point", Window.POINT, 1, 0, 0),
                vertex("conv", THREE, 1, 9, 1),
                vertex("add", Window.POINT, 1, 0, 2, 1));
        // Three columns of the point for the convolution, of which the addition reads two; three columns of the image.
        assertThat(load(geometry, 0))
                .isEqualTo(new TileLoad(2 * 2 * 9, 2 * 3, 2 * 3 + 2 * 2 + 2 * 2, 2 * 3 + 4 * 4 + 2 * 2, 2 * 2));
    }

    /** Both read the same part of the image, which counts once. */
    @Test
    void whatTwoVerticesReadCountsOnce() {
        TileRegion region = TileRegion.of(
                List.of(
                        TileVertex.source("image", 2),
                        vertex("first", Window.POINT, 1, 0, 0),
                        vertex("left", Window.POINT, 1, 0, 1),
                        vertex("right", THREE, 1, 0, 1),
                        vertex("add", Window.POINT, 1, 0, 2, 3)),
                new TileGrid(1, 2),
                Set.of("first"));
        TileGeometry geometry = new TileGeometry(region, 3, 4);
        assertThat(region.groups()).containsExactly(List.of(1), List.of(2, 3, 4));
        TileLoad load = TileLoad.of(geometry.task(1, 0));
        assertThat(load.inputElements()).isEqualTo(3 * 3); // one column more than left reads alone
        assertThat(load.ownElements()).isEqualTo(3 * 2);
        assertThat(TileLoad.of(geometry.task(0, 0)).inputElements()).isEqualTo(3 * 2 * 2);
    }

    @Test
    void rowsAndColumnsHaveWindowsOfTheirOwn() {
        TileVertex wide = new TileVertex("conv", List.of(0), Window.POINT, THREE, 1, 3, false);
        TileGeometry geometry = new TileGeometry(
                TileRegion.of(List.of(TileVertex.source("image", 1), wide), new TileGrid(2, 1), Set.of()), 4, 5);
        assertThat(geometry.tile(0, 1).get(0).inputs())
                .containsExactly(new Patch(0, new Area(new Interval(2, 4), new Interval(0, 5)), 0, 0, 1, 1));
        assertThat(TileLoad.of(geometry.task(0, 1))).isEqualTo(new TileLoad(2 * 5 * 3, 10, 10, 2 * 7, 10));
    }

    @Test
    void tasksForPeople() {
        TileRegion region = TileRegion.of(
                List.of(TileVertex.source("image", 1), vertex("conv", THREE, 1, 9, 0)), new TileGrid(2, 3), Set.of());
        TileTask task = new TileGeometry(region, 6, 6).task(0, 4);
        assertThat(task).hasToString("tile (1, 1) of group 0");
        assertThat(task.runs(1)).isTrue();
        assertThat(task.runs(0)).isFalse();
    }
}
