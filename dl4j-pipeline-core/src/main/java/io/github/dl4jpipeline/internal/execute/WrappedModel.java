package io.github.dl4jpipeline.internal.execute;

import java.util.Collection;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The model that a pipeline trains: a computation graph, or a multi-layer network. */
public interface WrappedModel {
    /** Its parameters, as one array; not a copy. */
    INDArray parameters();

    /** Its flat gradient array, created if it has none yet. Not a copy. */
    INDArray gradients();

    /** Its updater's state, created if it has none yet; null if its updaters keep no state. Not a copy. */
    @Nullable INDArray updaterState();

    /** Gives it an updater whose state is this array. */
    void setUpdaterState(@Nullable INDArray state);

    /** How many iterations it has been trained for. */
    int iterations();

    /** Tells it how far training has come. */
    void setProgress(int iteration, int epoch, double score);

    /** Its training listeners. */
    Collection<TrainingListener> listeners();
}
