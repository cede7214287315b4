package io.github.dl4jpipeline.tile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PatchTest {
    private static Area area(int top, int bottom, int left, int right) {
        return new Area(new Interval(top, bottom), new Interval(left, right));
    }

    @Test
    void whatLiesOutsideOfTheMapIsPadding() {
        Patch patch = Patch.of(3, area(-1, 5, -2, 9), 4, 6);
        assertThat(patch).isEqualTo(new Patch(3, Area.all(4, 6), 1, 1, 2, 3));
        assertThat(patch.elements()).isEqualTo(6 * 11);
        assertThat(Patch.of(3, area(1, 3, 2, 6), 4, 6)).isEqualTo(new Patch(3, area(1, 3, 2, 6), 0, 0, 0, 0));
    }

    @Test
    void isPaddedOnAnySide() {
        Area area = area(0, 2, 0, 3);
        assertThat(new Patch(0, area, 0, 0, 0, 0).isPadded()).isFalse();
        for (int sides = 1; sides < 16; sides++) {
            Patch patch = new Patch(0, area, sides & 1, sides >> 1 & 1, sides >> 2 & 1, sides >> 3);
            assertThat(patch.isPadded()).as("%s", patch).isTrue();
            assertThat(patch.isCopied(area)).isTrue();
            assertThat(patch.elements())
                    .isEqualTo((2L + patch.top() + patch.bottom()) * (3 + patch.left() + patch.right()));
        }
    }

    @Test
    void isCopiedUnlessItIsTheWholeAsItIs() {
        Patch patch = new Patch(0, area(0, 2, 0, 3), 0, 0, 0, 0);
        assertThat(patch.isCopied(area(0, 2, 0, 3))).isFalse();
        assertThat(patch.isCopied(area(0, 2, 0, 4))).isTrue();
    }

    @Test
    void hullsOfIntervals() {
        Interval some = new Interval(3, 5);
        assertThat(some.hull(new Interval(7, 8))).isEqualTo(new Interval(3, 8));
        assertThat(some.hull(new Interval(1, 2))).isEqualTo(new Interval(1, 5));
        assertThat(some.hull(new Interval(9, 9))).isEqualTo(some);
        assertThat(new Interval(9, 9).hull(some)).isEqualTo(some);
        assertThat(Window.POINT.needed(new Interval(4, 4), 9)).isEqualTo(Interval.EMPTY);
    }

    @Test
    void sharesOfRows() {
        Area area = area(1, 6, 2, 4);
        assertThat(area.rowsOf(0, 3, 7)).isEqualTo(area(1, 2, 2, 4));
        assertThat(area.rowsOf(1, 3, 7)).isEqualTo(area(2, 4, 2, 4));
        assertThat(area.rowsOf(2, 3, 7)).isEqualTo(area(4, 6, 2, 4));
        assertThat(area(0, 1, 0, 4).rowsOf(1, 2, 7).isEmpty()).isTrue();
    }

    @Test
    void gridsWithTooManyTiles() {
        assertThat(new TileGrid(256, 256).tiles()).isEqualTo(65_536);
        assertThatThrownBy(() -> new TileGrid(65_536, 65_536))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("A grid can have at most 65536 tiles, got 65536x65536");
        assertThat(new TileGrid(2, 3)).hasToString("2x3");
    }
}
