package io.github.dl4jpipeline.tile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TileableMapsTest {
    private static final Window THREE = new Window(3, 1, 1, 1, false);

    /** image -> a -> b -> d, and e reads c, which reads a, and d. */
    private static final List<TileVertex> VERTICES = List.of(
            TileVertex.source("image", 1),
            vertex("a", 0),
            vertex("b", 1),
            vertex("c", 1),
            vertex("d", 2),
            vertex("e", 3, 4));

    private static TileVertex vertex(String name, Integer... inputs) {
        return new TileVertex(name, List.of(inputs), THREE, THREE, 1, 9, false);
    }

    private static Tiling tiling(String last, String... cuts) {
        return new Tiling(new TileGrid(2, 1), "a", last, Set.of(cuts));
    }

    @Test
    void aRegionHasOnlyWhatItsLastVertexNeeds() {
        TileableMaps maps = new TileableMaps(VERTICES, List.of("d", "e"), 8, 6);
        TileRegion chain = maps.region(tiling("d", "a"));
        assertThat(chain.vertices())
                .containsExactly(TileVertex.source("image", 1), vertex("a", 0), vertex("b", 1), vertex("d", 2));
        assertThat(chain.groups()).containsExactly(List.of(1), List.of(2, 3));
        assertThat(maps.region(tiling("e")).vertices()).isEqualTo(VERTICES);
        assertThat(maps.first()).isEqualTo("a");
        assertThat(maps.nothing()).isFalse();
        assertThat(TileableMaps.NONE.nothing()).isTrue();
        TileGeometry geometry = maps.geometry(tiling("d", "a"));
        assertThat(geometry.region()).isEqualTo(chain);
        assertThat(geometry.map(3)).isEqualTo(Area.all(8, 6));
    }

    @Test
    void verticesThatAreNotTileable() {
        TileableMaps maps = new TileableMaps(VERTICES, List.of("e"), 8, 6);
        for (String name : List.of("x", "image")) {
            assertThatThrownBy(() -> maps.region(tiling(name)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("Vertex '" + name + "' is not one that can be run in tiles");
            assertThatThrownBy(() -> new TileableMaps(VERTICES, List.of("e", name), 8, 6))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("Tiles may end with '" + name + "', which is not a tileable vertex");
        }
    }

    @Test
    void theLargestMaps() {
        TileableMaps largest = new TileableMaps(VERTICES, List.of("e"), 65_536, 65_536);
        assertThat(largest.height()).isEqualTo(65_536);
        assertThatThrownBy(() -> new TileableMaps(VERTICES, List.of("e"), 65_537, 1))
                .hasMessageContaining("between 1 and 65536, got 65537 and 1");
        Window padded = new Window(1, 1, 1, 1, false);
        TileVertex wider = new TileVertex("a", List.of(0), padded, Window.POINT, 1, 1, false);
        assertThatThrownBy(() -> new TileableMaps(List.of(VERTICES.get(0), wider), List.of("a"), 65_535, 1))
                .hasMessageContaining("it has an output of 65537x1, and at most 65536 rows and columns are possible");
    }

    @Test
    void tilingsForPeople() {
        assertThat(tiling("d")).hasToString("grid 2x1, from 'a' to 'd', not cut");
        assertThat(tiling("d", "c", "b")).hasToString("grid 2x1, from 'a' to 'd', cut after b, c");
    }

    @Test
    void bytesOfAMeasurement() {
        TileMeasurement measured = new TileMeasurement(new TileCost(1, 1, 2, 3, 5, 7), 0, 11, 4, List.of());
        assertThat(measured.countedBytes()).isEqualTo(3 * 11 * 4);
        assertThat(measured.wholeBytes()).isEqualTo(5 * 11 * 4);
        assertThat(measured.haloBytes()).isEqualTo(7 * 11 * 4);
    }
}
