package io.github.dl4jpipeline.tile;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Geometry by enumeration: what a tile reads is found tap by tap, from the definition of a convolution. */
class TileGeometryTest {
    private static List<Window> windows() {
        List<Window> windows = new ArrayList<>();
        for (int kernel = 1; kernel <= 5; kernel++) {
            for (int stride = 1; stride <= 3; stride++) {
                for (int dilation = 1; dilation <= 2; dilation++) {
                    windows.add(new Window(kernel, stride, 0, dilation, true));
                    for (int padding = 0; padding < kernel; padding++) {
                        windows.add(new Window(kernel, stride, padding, dilation, false));
                    }
                }
            }
        }
        return windows;
    }

    /** The inputs that one output sees, over the border too. */
    private static Set<Integer> taps(Window window, int output, int size) {
        int before = window.padding();
        if (window.same()) {
            int outputs = (int) Math.ceil((double) size / window.stride());
            int span = (window.kernel() - 1) * window.dilation() + 1;
            before = Math.max(0, (outputs - 1) * window.stride() + span - size) / 2;
        }
        Set<Integer> taps = new TreeSet<>();
        for (int tap = 0; tap < window.kernel(); tap++) {
            taps.add(output * window.stride() - before + tap * window.dilation());
        }
        return taps;
    }

    @Test
    void whatOutputsNeedIsExact() {
        for (Window window : windows()) {
            for (int size = 5; size <= 13; size++) {
                int outputs = window.outputs(size);
                for (int from = 0; from < outputs; from++) {
                    for (int to = from + 1; to <= outputs; to++) {
                        TreeSet<Integer> taps = new TreeSet<>();
                        for (int output = from; output < to; output++) {
                            taps.addAll(taps(window, output, size));
                        }
                        assertThat(window.needed(new Interval(from, to), size))
                                .as("%s of %d, outputs %d to %d", window, size, from, to)
                                .isEqualTo(new Interval(taps.first(), taps.last() + 1));
                    }
                }
            }
        }
    }

    @Test
    void partsOfAGridCoverTheMapOnce() {
        for (int rows = 1; rows <= 5; rows++) {
            for (int columns = 1; columns <= 5; columns++) {
                TileGrid grid = new TileGrid(rows, columns);
                for (int height = 1; height <= 9; height++) {
                    for (int width = 1; width <= 9; width++) {
                        int[][] covered = new int[height][width];
                        for (int tile = 0; tile < grid.tiles(); tile++) {
                            mark(grid.part(tile, height, width), covered);
                        }
                        for (int[] row : covered) {
                            assertThat(row).containsOnly(1);
                        }
                    }
                }
            }
        }
    }

    private static void mark(Area area, int[][] covered) {
        for (int row = area.rows().from(); row < area.rows().to(); row++) {
            for (int column = area.columns().from(); column < area.columns().to(); column++) {
                covered[row][column]++;
            }
        }
    }

    /** Two convolutions and a pooling with a connection around them, for every window, several sizes and grids. */
    @Test
    void tilesOfAStackReadExactlyWhatTheyNeed() {
        Window pool = new Window(2, 2, 0, 1, false);
        Window three = new Window(3, 1, 1, 1, false);
        for (Window window : windows()) {
            for (int size : new int[] {9, 12, 17}) {
                List<TileVertex> vertices = List.of(
                        TileVertex.source("image", 3),
                        vertex("first", window, 0),
                        vertex("second", three, 1),
                        new TileVertex("add", List.of(1, 2), Window.POINT, Window.POINT, 3, 0, false),
                        vertex("pool", pool, 3));
                if (window.outputs(size) < 2) {
                    continue;
                }
                for (int tiles = 1; tiles <= 3; tiles++) {
                    for (Set<String> cuts : List.of(Set.<String>of(), Set.of("first"), Set.of("first", "add"))) {
                        check(TileRegion.of(vertices, new TileGrid(tiles, 1), cuts), size);
                    }
                }
            }
        }
    }

    private static TileVertex vertex(String name, Window window, int input) {
        return new TileVertex(name, List.of(input), window, window, 3, 27, false);
    }

    private static void check(TileRegion region, int size) {
        TileGeometry geometry = new TileGeometry(region, size, size);
        for (int group = 0; group < region.groups().size(); group++) {
            for (int tile = 0; tile < geometry.tiles(group); tile++) {
                List<TreeSet<Integer>> needed = new ArrayList<>();
                region.vertices().forEach(vertex -> needed.add(new TreeSet<>()));
                List<TilePart> parts = geometry.tile(group, tile);
                for (int i = parts.size() - 1; i >= 0; i--) {
                    TilePart part = parts.get(i);
                    add(needed.get(part.vertex()), part.own().rows());
                    assertThat(part.area().rows())
                            .as("%s, tile %d, %s", region, tile, part)
                            .isEqualTo(hull(needed.get(part.vertex())));
                    TileVertex vertex = region.vertices().get(part.vertex());
                    for (int k = 0; k < part.inputs().size(); k++) {
                        Patch patch = part.inputs().get(k);
                        int inputs = geometry.height(patch.vertex());
                        TreeSet<Integer> taps = new TreeSet<>();
                        for (int output = part.area().rows().from();
                                output < part.area().rows().to();
                                output++) {
                            taps.addAll(taps(vertex.rows(), output, inputs));
                        }
                        assertThat(patch.area().rows().from() - patch.top()).isEqualTo(taps.first());
                        assertThat(patch.area().rows().to() + patch.bottom()).isEqualTo(taps.last() + 1);
                        // Padding only at the border of the whole map
                        assertThat(patch.top() == 0 || patch.area().rows().from() == 0)
                                .isTrue();
                        assertThat(patch.bottom() == 0 || patch.area().rows().to() == inputs)
                                .isTrue();
                        add(needed.get(patch.vertex()), patch.area().rows());
                    }
                }
            }
        }
    }

    private static void add(Set<Integer> set, Interval interval) {
        IntStream.range(interval.from(), interval.to()).forEach(set::add);
    }

    private static Interval hull(SortedSet<Integer> set) {
        return new Interval(set.first(), set.last() + 1);
    }

    @Test
    void aVertexThatNeedsItsWholeInputIsAGroupOfItsOwn() {
        Window three = new Window(3, 1, 1, 1, false);
        TileRegion region = TileRegion.of(
                List.of(
                        TileVertex.source("image", 3),
                        vertex("conv", three, 0),
                        new TileVertex("norm", List.of(1), Window.POINT, Window.POINT, 3, 0, true),
                        vertex("after", three, 2),
                        new TileVertex("add", List.of(3, 1), Window.POINT, Window.POINT, 3, 0, false)),
                new TileGrid(2, 2),
                Set.of());
        assertThat(region.groups()).containsExactly(List.of(1), List.of(2), List.of(3, 4));
        TileGeometry geometry = new TileGeometry(region, 6, 6);
        assertThat(geometry.tiles(1)).isEqualTo(1);
        assertThat(geometry.tile(1, 0).get(0).area()).isEqualTo(Area.all(6, 6));
    }

    @Test
    void mapsSmallerThanTheGridLeaveTilesWithoutWork() {
        Window three = new Window(3, 1, 1, 1, false);
        TileRegion region = TileRegion.of(
                List.of(TileVertex.source("image", 3), vertex("conv", three, 0)), new TileGrid(1, 4), Set.of());
        TileGeometry geometry = new TileGeometry(region, 5, 5);
        assertThat(geometry.tile(0, 3)).isEmpty();
        assertThat(geometry.tile(0, 2).get(0).own().columns()).isEqualTo(new Interval(4, 5));
    }
}
