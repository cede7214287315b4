package io.github.dl4jpipeline.internal.execute;

import java.util.Collection;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.MultiLayerUpdater;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A multi-layer network. Parameters and updater state are laid out as in the graph with the same chain of layers. */
public record WrappedNetwork(MultiLayerNetwork network) implements WrappedModel {
    @Override
    public INDArray parameters() {
        return network.params();
    }

    @Override
    public INDArray gradients() {
        if (network.getGradientsViewArray() == null) {
            network.initGradientsView();
        }
        return network.getGradientsViewArray();
    }

    @Override
    public @Nullable INDArray updaterState() {
        return network.getUpdater(true).getStateViewArray();
    }

    @Override
    public void setUpdaterState(@Nullable INDArray state) {
        network.setUpdater(new MultiLayerUpdater(network, state));
    }

    @Override
    public int iterations() {
        return network.getIterationCount();
    }

    @Override
    public void setProgress(int iteration, int epoch, double score) {
        network.getLayerWiseConfigurations().setIterationCount(iteration);
        network.getLayerWiseConfigurations().setEpochCount(epoch);
        network.setScore(score);
    }

    @Override
    public Collection<TrainingListener> listeners() {
        return network.getListeners();
    }
}
