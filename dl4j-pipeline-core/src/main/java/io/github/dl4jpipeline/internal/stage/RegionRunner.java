package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runs several vertices of a stage as one, at the place of the last of them. */
public abstract class RegionRunner extends VertexRunner {
    /** @param exit the region's last vertex */
    protected RegionRunner(GraphVertex exit) {
        super(exit, true);
    }

    /** Position of the vertex that the region reads. */
    public abstract int source();

    /** Position of the region's last vertex. */
    public abstract int exit();

    /** Positions of the region's vertices. */
    public abstract List<Integer> members();

    /** Takes up a new micro-batch. */
    public abstract void begin(MicroBatch microBatch, boolean partOfBatch, int iteration, int epoch);

    /** Sets where the parameter gradients of a vertex go, and whether to add to what is there. */
    public abstract void bindGradients(int position, INDArray gradients, boolean add);

    /** Adds the gradients of its vertices, and the moments of its batch normalizations if this is part of a batch. */
    @Override
    public abstract void addResults(int position, boolean partOfBatch, BackwardResult results);

    /** The layer of a vertex; null if it has none. */
    public abstract @Nullable Layer layer(int position);

    /** Forgets every array and frees the memory. */
    @Override
    public abstract void reset();

    /** Bytes of memory reserved. */
    public abstract long bytes();

    /** What the tiles of the last micro-batch have taken and cost; null before there was one. */
    public abstract @Nullable TileMeasurement measurement();
}
