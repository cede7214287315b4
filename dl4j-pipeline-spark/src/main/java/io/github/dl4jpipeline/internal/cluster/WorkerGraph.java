package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.memory.ParameterLayout;
import java.util.List;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The whole graph in a worker, which has the parameters of one stage elsewhere. Its own arrays are never read or written, so
 * that they take addresses, but no memory.
 */
final class WorkerGraph extends ComputationGraph {
    private static final long serialVersionUID = 1;

    private final transient Untouched untouched;
    private int examples;

    /**
     * @param state elements of the updater state
     * @param untouched has its arrays
     */
    WorkerGraph(ComputationGraphConfiguration configuration, long parameters, long state, Untouched untouched) {
        super(configuration);
        this.untouched = untouched;
        init(untouched(parameters), false);
        initGradientsView();
        setUpdater(new ComputationGraphUpdater(this, state == 0 ? null : vector(state)));
    }

    private INDArray untouched(long length) {
        return vector(Math.max(1, length)).reshape(1, Math.max(1, length));
    }

    private INDArray vector(long length) {
        return untouched.vector(getConfiguration().getDataType(), length);
    }

    @Override
    public void initGradientsView() {
        flattenedGradients = untouched(params().length());
        VertexGraph vertices = VertexGraph.of(this);
        List<@Nullable INDArray> slices = ParameterLayout.of(vertices).slices(flattenedGradients);
        for (int position = 0; position < slices.size(); position++) {
            if (slices.get(position) != null) {
                getVertex(vertices.get(position).name()).setBackpropGradientsViewArray(slices.get(position));
            }
        }
    }

    /** The number of examples of the batch that is trained. */
    void setExamples(int number) {
        examples = number;
    }

    @Override
    public int batchSize() {
        return examples;
    }
}
