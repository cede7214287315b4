package io.github.dl4jpipeline.internal.tiling;

import io.github.dl4jpipeline.internal.stage.MapArea;
import io.github.dl4jpipeline.tile.Area;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The errors of one tile: of the vertices that it runs, and of the maps that its group reads. */
final class TileErrors {
    /** Some values of a vertex: those of an area. */
    record Part(INDArray values, Area area) {}

    /** The error of a part of a map that the group reads. */
    private record InputError(int vertex, Area area, INDArray error) {}

    private final @Nullable INDArray[] within;
    private final List<InputError> ofInputs = new ArrayList<>();

    TileErrors(int vertices) {
        within = new INDArray[vertices];
    }

    /**
     * Adds to the error of a vertex that the tile runs.
     *
     * @param output what the tile computes of the vertex
     * @param error gradient of the loss by a part of it
     * @param mayKeep whether the array may become the error itself, which is overwritten
     */
    void add(int vertex, Part output, Part error, boolean mayKeep, LayerWorkspaceMgr workspaces) {
        INDArray sum = within[vertex];
        if (sum == null && error.area().equals(output.area())) {
            within[vertex] = mayKeep ? error.values() : workspaces.dup(ArrayType.ACTIVATION_GRAD, error.values(), 'c');
            return;
        }
        if (sum == null) {
            INDArray all = output.values();
            sum = workspaces.create(ArrayType.ACTIVATION_GRAD, all.dataType(), all.shape(), 'c');
            within[vertex] = sum;
        }
        MapArea.view(sum, output.area(), error.area()).addi(error.values());
    }

    /** The error of a vertex that the tile runs, after all that read it. */
    @Nullable INDArray take(int vertex) {
        INDArray error = within[vertex];
        within[vertex] = null;
        return error;
    }

    /** Keeps the error of a part of a map that the group reads. */
    void keep(int vertex, Area area, INDArray error) {
        ofInputs.add(new InputError(vertex, area, error));
    }

    /**
     * Adds what was kept to whole maps, by vertex.
     *
     * @param share which of {@code shares} equal parts of a map's rows are added to; others may be at the same time
     */
    void addTo(@Nullable INDArray[] maps, int share, int shares) {
        for (InputError input : ofInputs) {
            INDArray map = maps[input.vertex()];
            Area whole = MapArea.whole(map);
            Area area = input.area().rowsOf(share, shares, whole.rows().size());
            if (!area.isEmpty()) {
                MapArea.view(map, whole, area).addi(MapArea.view(input.error(), input.area(), area));
            }
        }
    }

    /** Forgets every array. */
    void clear() {
        Arrays.fill(within, null);
        ofInputs.clear();
    }
}
