package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.tile.Area;
import io.github.dl4jpipeline.tile.Patch;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Where the input of a layer lies in the whole map that it is a part of.
 *
 * @param patch the part
 * @param map all of the map
 */
public record TilePlace(Patch patch, Area map) {

    /** A whole map, zero but for this part, in row-major order. */
    INDArray spread(INDArray part) {
        INDArray whole = Nd4j.create(
                part.dataType(),
                new long[] {
                    part.size(0), part.size(1), map.rows().size(), map.columns().size()
                },
                'c');
        MapArea.view(whole, map, patch.area()).assign(MapArea.inside(part, patch));
        return whole;
    }

    /** Writes this part of a whole map. */
    void cut(INDArray whole, INDArray part) {
        MapArea.inside(part, patch).assign(MapArea.view(whole, map, patch.area()));
    }
}
