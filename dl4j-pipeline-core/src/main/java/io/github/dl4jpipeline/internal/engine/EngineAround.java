package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.JointSums;
import io.github.dl4jpipeline.internal.layers.Moments;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Changes what a layer reads, or what is seen of its output. The parameters are the layer's. */
abstract class EngineAround extends EngineLayer {
    private final EngineLayer inside;

    EngineAround(EngineLayer inside) {
        this.inside = inside;
    }

    final EngineLayer inside() {
        return inside;
    }

    @Override
    public final boolean hasGradient() {
        return inside.hasGradient();
    }

    @Override
    public final Map<String, INDArray> views(Layer layer, INDArray gradients) {
        return inside.views(layer, gradients);
    }

    @Override
    public final Gradient gradient(Map<String, INDArray> views, boolean add, Space space) {
        return inside.gradient(views, add, space);
    }

    @Override
    public final Gradient gradient(Map<String, INDArray> views, GradientRows rows, GradientTurn turn, Space space) {
        return inside.gradient(views, rows, turn, space);
    }

    @Override
    public final void finish(Map<String, INDArray> views, GradientRows rows, Space space) {
        inside.finish(views, rows, space);
    }

    @Override
    public final void join(JointSums sums, int number) {
        inside.join(sums, number);
    }

    @Override
    public final @Nullable Moments moments() {
        return inside.moments();
    }

    @Override
    public void clear() {
        inside.clear();
    }

    @Override
    public final void close() {
        super.close();
        inside.close();
    }
}
