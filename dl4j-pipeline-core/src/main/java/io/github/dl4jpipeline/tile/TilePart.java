package io.github.dl4jpipeline.tile;

import java.util.List;

/**
 * What one tile computes of one vertex.
 *
 * @param vertex index in the region
 * @param area the part of the vertex's map that the tile computes
 * @param own the part of it that the tile hands on; neighbouring tiles' do not overlap. Empty if the output stays within
 *     the group
 * @param inputs what it reads, in the order of the vertex's inputs
 */
public record TilePart(int vertex, Area area, Area own, List<Patch> inputs) {
    public TilePart {
        inputs = List.copyOf(inputs);
    }
}
