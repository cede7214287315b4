package io.github.dl4jpipeline.internal.engine;

import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a recurrent layer carries from one segment of sequences to the next: arrays of {@code [examples, units]} by Deeplearning4j's names. */
public interface CarriedState {
    /** Those that the segment begins with; empty at the beginning of sequences. */
    Map<String, INDArray> atBegin();

    /** Keeps copies of those that it ends with. */
    void keep(Map<String, INDArray> atEnd);
}
