package io.github.dl4jpipeline.execute;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Parameters, gradients and updater state of a pipeline, which shares the first and the last with the model that it
 * wraps.
 *
 * <p>Stages reach gradients as slices of the pipeline's flat array: a stage's vertices need not be neighbours in it.
 */
public final class ParameterStore {
    private final WrappedModel wrapped;
    private final ComputationGraph pipeline;
    private @Nullable INDArray sharedState;

    /** @param pipeline a graph that has been initialised with the wrapped model's parameters */
    public ParameterStore(WrappedModel wrapped, ComputationGraph pipeline) {
        this.wrapped = wrapped;
        this.pipeline = pipeline;
        this.sharedState = wrapped.updaterState();
        pipeline.setUpdater(new ComputationGraphUpdater(pipeline, sharedState));
    }

    /**
     * Makes pipeline and wrapped model share one updater state again after either has replaced its updater, as setting
     * a learning rate does, and tells the wrapped model counts and score. The side that was changed wins.
     */
    public void reconcile() {
        INDArray ofWrapped = wrapped.updaterState();
        INDArray ofPipeline = pipeline.getUpdater(true).getStateViewArray();
        if (ofPipeline != sharedState) {
            sharedState = ofPipeline;
            wrapped.setUpdaterState(sharedState);
        } else if (ofWrapped != sharedState) {
            sharedState = ofWrapped;
            pipeline.setUpdater(new ComputationGraphUpdater(pipeline, sharedState));
        }
        wrapped.setProgress(pipeline.getIterationCount(), pipeline.getEpochCount(), pipeline.score());
    }

    /** By position: the part of a flat array, laid out as the parameters are, of each vertex; null for none. */
    public static List<@Nullable INDArray> slices(INDArray flat, VertexGraph vertices) {
        INDArray row = flat.reshape(flat.length());
        List<@Nullable INDArray> slices = new ArrayList<>();
        long from = 0;
        for (Vertex vertex : vertices.vertices()) {
            long to = from + vertex.parameters();
            slices.add(to == from ? null : row.get(NDArrayIndex.interval(from, to)));
            from = to;
        }
        return slices;
    }

    /** The pipeline's flat gradient array: the very object that its updater knows. */
    INDArray gradients() {
        return pipeline.getFlattenedGradients();
    }
}
