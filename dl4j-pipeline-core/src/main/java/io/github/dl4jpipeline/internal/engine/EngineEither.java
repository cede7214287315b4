package io.github.dl4jpipeline.internal.engine;

import java.util.Map;
import org.deeplearning4j.nn.gradient.Gradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One of two codes for the same vertex: the first, unless it does not take the input. */
final class EngineEither extends EngineLayer {
    private final EngineLayer first;
    private final EngineLayer second;

    /** The one that has run forward. */
    private EngineLayer chosen;

    EngineEither(EngineLayer first, EngineLayer second) {
        this.first = first;
        this.second = second;
        this.chosen = first;
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        chosen = first;
        Value output = first.forward(inputs, training, space);
        if (output == null) {
            chosen = second;
            output = second.forward(inputs, training, space);
        }
        return output;
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        return chosen.backward(error, wanted, postponed, space);
    }

    @Override
    public boolean hasGradient() {
        return first.hasGradient();
    }

    @Override
    public Gradient gradient(Map<String, INDArray> views, boolean add, Space space) {
        return chosen.gradient(views, add, space);
    }

    @Override
    public Gradient gradient(Map<String, INDArray> views, GradientRows rows, GradientTurn turn, Space space) {
        (chosen == first ? second : first).finish(views, rows, space);
        return chosen.gradient(views, rows, turn, space);
    }

    @Override
    public void finish(Map<String, INDArray> views, GradientRows rows, Space space) {
        first.finish(views, rows, space);
        second.finish(views, rows, space);
    }

    @Override
    public void clear() {
        first.clear();
        second.clear();
    }

    @Override
    public void close() {
        super.close();
        first.close();
        second.close();
    }
}
