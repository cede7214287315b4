package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.tile.Area;
import io.github.dl4jpipeline.tile.Patch;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Views of rectangles of maps, {@code [examples, channels, rows, columns]}. */
public final class MapArea {
    private MapArea() {}

    /**
     * A view of an area.
     *
     * @param array the values of {@code outer}
     * @param area within {@code outer}
     */
    public static INDArray view(INDArray array, Area outer, Area area) {
        return area.equals(outer)
                ? array
                : view(
                        array,
                        area.rows().from() - outer.rows().from(),
                        area.columns().from() - outer.columns().from(),
                        area);
    }

    /** A view of a patch without its padding; {@code array} has it. */
    public static INDArray inside(INDArray array, Patch patch) {
        return patch.isPadded() ? view(array, patch.top(), patch.left(), patch.area()) : array;
    }

    private static INDArray view(INDArray array, int row, int column, Area area) {
        long[] stride = array.stride();
        long[] shape = {
            array.size(0), array.size(1), area.rows().size(), area.columns().size()
        };
        long offset = array.offset() + row * stride[2] + column * stride[3];
        return Nd4j.create(array.data(), shape, stride.clone(), offset, array.ordering());
    }

    /** The whole of a map. */
    public static Area whole(INDArray map) {
        return Area.all((int) map.size(2), (int) map.size(3));
    }
}
