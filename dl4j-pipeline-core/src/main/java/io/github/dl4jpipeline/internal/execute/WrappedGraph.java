package io.github.dl4jpipeline.internal.execute;

import java.util.Collection;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A computation graph. Its counts live in its configuration, which the pipeline shares. */
public record WrappedGraph(ComputationGraph graph) implements WrappedModel {
    @Override
    public INDArray parameters() {
        return graph.params();
    }

    @Override
    public INDArray gradients() {
        if (graph.getGradientsViewArray() == null) {
            graph.initGradientsView();
        }
        return graph.getGradientsViewArray();
    }

    @Override
    public @Nullable INDArray updaterState() {
        return graph.getUpdater(true).getStateViewArray();
    }

    @Override
    public void setUpdaterState(@Nullable INDArray state) {
        graph.setUpdater(new ComputationGraphUpdater(graph, state));
    }

    @Override
    public int iterations() {
        return graph.getIterationCount();
    }

    @Override
    public void setProgress(int iteration, int epoch, double score) {
        graph.setScore(score);
    }

    @Override
    public Collection<TrainingListener> listeners() {
        return graph.getListeners();
    }
}
