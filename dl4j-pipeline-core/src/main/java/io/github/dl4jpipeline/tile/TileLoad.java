package io.github.dl4jpipeline.tile;

import java.util.List;

/**
 * What one tile of a group takes, for one example.
 *
 * @param multiplyAdds of its convolutions, forward
 * @param inputElements values that it reads of the group's input maps
 * @param outputElements values that its vertices put out
 * @param copiedElements values of the copies that it makes of inputs, to cut them out of a map or to put padding around
 *     them
 * @param ownElements values that it writes to the group's output maps
 */
public record TileLoad(
        long multiplyAdds, long inputElements, long outputElements, long copiedElements, long ownElements) {

    /** Counts a tile. */
    public static TileLoad of(TileTask task) {
        TileRegion region = task.geometry().region();
        Area[] computed = new Area[region.vertices().size()];
        Area[] read = new Area[region.vertices().size()];
        long multiplyAdds = 0;
        long outputs = 0;
        long copied = 0;
        long own = 0;
        for (TilePart part : task.parts()) {
            TileVertex vertex = region.vertices().get(part.vertex());
            long values = part.area().elements() * vertex.channels();
            outputs += values;
            multiplyAdds += values * vertex.multiplyAdds();
            own += part.own().elements() * vertex.channels();
            for (Patch patch : part.inputs()) {
                int input = patch.vertex();
                boolean within = task.runs(input);
                if (!within) {
                    read[input] = read[input] == null ? patch.area() : read[input].hull(patch.area());
                }
                if (patch.isCopied(within ? computed[input] : task.geometry().map(input))) {
                    copied += patch.elements() * region.vertices().get(input).channels();
                }
            }
            computed[part.vertex()] = part.area();
        }
        return new TileLoad(multiplyAdds, elements(region.vertices(), read), outputs, copied, own);
    }

    private static long elements(List<TileVertex> vertices, Area[] areas) {
        long elements = 0;
        for (int vertex = 0; vertex < areas.length; vertex++) {
            elements += areas[vertex] == null
                    ? 0
                    : areas[vertex].elements() * vertices.get(vertex).channels();
        }
        return elements;
    }
}
