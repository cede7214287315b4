package io.github.dl4jpipeline.tile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Against figures counted apart from this code, for YOLOv2's first 16 layers at 608x608. */
class TileCostTest {
    @Test
    void oneGroupAtTwoByThree() {
        TileCost cost = cost(YoloRegion.region(2, 3));
        assertThat(cost.repeated()).isCloseTo(1.3796, within(1e-4));
        assertThat(cost.saving()).isCloseTo(3.3591, within(1e-4));
    }

    @Test
    void fourGroupsAtTwoByThree() {
        TileCost cost = cost(YoloRegion.region(2, 3, 3, 7, 11));
        assertThat(cost.repeated()).isCloseTo(1.0418, within(1e-4));
        assertThat(cost.saving()).isCloseTo(5.3178, within(1e-4));
    }

    @Test
    void fourGroupsAtThreeByFour() {
        TileCost cost = cost(YoloRegion.region(3, 4, 3, 7, 11));
        assertThat(cost.repeated()).isCloseTo(1.0710, within(1e-4));
        assertThat(cost.saving()).isCloseTo(10.2097, within(1e-4));
    }

    @Test
    void oneTileCostsNothing() {
        TileCost cost = cost(YoloRegion.region(1, 1));
        assertThat(cost.repeated()).isEqualTo(1);
        assertThat(cost.saving()).isEqualTo(1);
        assertThat(cost.haloElements()).isZero();
    }

    /** The halo of a 3x3 convolution cut into two columns: one column of each tile's neighbour. */
    @Test
    void haloOfOneConvolution() {
        Window three = new Window(3, 1, 1, 1, false);
        TileRegion region = TileRegion.of(
                java.util.List.of(
                        TileVertex.source("image", 3),
                        new TileVertex("conv", java.util.List.of(0), three, three, 4, 27, false)),
                new TileGrid(1, 2),
                java.util.Set.of());
        TileCost cost = TileCost.of(new TileGeometry(region, 8, 10));
        assertThat(cost.haloElements()).isEqualTo(2 * 8 * 3);
        assertThat(cost.multiplyAdds()).isEqualTo(8 * 10 * 4 * 27);
    }

    private static TileCost cost(TileRegion region) {
        return TileCost.of(new TileGeometry(region, 608, 608));
    }
}
