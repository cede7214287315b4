package io.github.dl4jpipeline.internal.stage;

import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Gradient and score of a whole batch, computed by Deeplearning4j's own code on a copy of a graph. Nothing of the graph is
 * changed, but the noise of the copy draws from the calling thread's generator.
 *
 * <p>Dropout and weight noise are those of a pipeline, as {@link NoiseSource} seeds them: Deeplearning4j would draw others each
 * time. No layer overwrites its input, from which others may still have to compute their gradients.
 */
public final class PlainGradient implements AutoCloseable {
    private final ComputationGraph copy;

    private PlainGradient(ComputationGraph copy) {
        this.copy = copy;
    }

    /**
     * Computes the gradient at the parameters and counts that a graph has now.
     *
     * @param type that of the graph, or {@link DataType#DOUBLE}
     */
    public static PlainGradient of(ComputationGraph original, MicroBatch batch, DataType type) {
        ComputationGraph copy = GraphCopier.ofType(original, type);
        PlainGradient gradient = new PlainGradient(copy);
        try {
            NoiseSource noise = new NoiseSource(copy.conf().getSeed());
            noise.begin(copy.getIterationCount(), batch);
            boolean otherType = type != original.params().dataType();
            for (GraphVertex vertex : copy.getVertices()) {
                if (vertex.hasLayer()) {
                    prepare(vertex.getLayer(), vertex.getVertexName(), noise, otherType);
                }
            }
            compute(copy, batch.copy(input -> true, output -> true, array -> copyAs(type, array)));
            return gradient;
        } catch (Throwable e) {
            gradient.close();
            throw e;
        }
    }

    private static void prepare(Layer layer, String vertex, NoiseSource noise, boolean otherType) {
        if (otherType) {
            Noise.replaceByThatOfFloat(layer.conf().getLayer(), vertex, noise);
        } else {
            Noise.replaceIn(layer.conf().getLayer(), vertex, noise);
        }
        layer.allowInputModification(false);
    }

    private static void compute(ComputationGraph copy, MicroBatch batch) {
        copy.initGradientsView();
        copy.setInputs(batch.features());
        copy.setLabels(batch.labels());
        copy.setLayerMaskArrays(batch.featureMasks(), batch.labelMasks());
        copy.computeGradientAndScore();
    }

    private static INDArray copyAs(DataType type, INDArray array) {
        return array.dataType().isFPType() && array.dataType() != type
                ? array.castTo(type)
                : array.dup(array.ordering());
    }

    /** By vertex and parameter, in Deeplearning4j's order; valid until this is closed. */
    public Map<String, INDArray> arrays() {
        return copy.gradient().gradientForVariable();
    }

    public double score() {
        return copy.score();
    }

    /** Frees parameters and gradients of the copy. */
    @Override
    public void close() {
        copy.params().close();
        INDArray gradients = copy.getFlattenedGradients();
        if (gradients != null && gradients.closeable()) {
            gradients.close();
        }
    }
}
