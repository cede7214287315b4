package io.github.dl4jpipeline.internal.stage;

import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Told of each vertex that a task runs: to name it in an error, to see progress, to take its time or its output. */
public interface VertexObserver {
    /** A task begins with the vertex at this position. */
    void begin(int position);

    /**
     * The vertex has run forward.
     *
     * @param bytes of its output
     * @param activation gives the output as an array, which is valid until the micro-batch's last task of the stage ends
     */
    default void forwardDone(int position, long bytes, Supplier<INDArray> activation) {}

    /** The vertex has run backward. */
    default void backwardDone(int position) {}

    /** The parameter gradients that the vertex has left in its backward pass are there. */
    default void weightsDone(int position) {}
}
