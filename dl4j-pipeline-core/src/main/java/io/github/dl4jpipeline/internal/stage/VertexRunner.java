package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.engine.GradientRows;
import io.github.dl4jpipeline.internal.engine.GradientTurn;
import io.github.dl4jpipeline.internal.engine.Reorders;
import io.github.dl4jpipeline.internal.engine.Space;
import io.github.dl4jpipeline.internal.engine.Value;
import io.github.dl4jpipeline.internal.layers.AddsGradients;
import io.github.dl4jpipeline.internal.layers.FastBatchNorm;
import io.github.dl4jpipeline.internal.layers.GradientAlone;
import io.github.dl4jpipeline.internal.layers.JointSums;
import io.github.dl4jpipeline.internal.layers.PostponesGradient;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs one vertex of a copy, and keeps between the passes what the backward pass needs.
 *
 * <p>The arrays that it returns lie in the workspaces of the task, or are views of arrays that do.
 */
public class VertexRunner {
    private final GraphVertex vertex;
    private final boolean inputErrors;
    private final @Nullable Segment segment;
    private @Nullable Gradient gradient;

    /** @param inputErrors whether a vertex that it reads needs an error */
    public VertexRunner(GraphVertex vertex, boolean inputErrors) {
        this(vertex, inputErrors, null);
    }

    /** @param segment what a recurrent layer carries from segment to segment; null if sequences are whole */
    VertexRunner(GraphVertex vertex, boolean inputErrors, @Nullable Segment segment) {
        this.vertex = vertex;
        this.inputErrors = inputErrors;
        this.segment = segment;
    }

    public final GraphVertex vertex() {
        return vertex;
    }

    /**
     * The forward pass.
     *
     * @param inputs what the vertices that it reads have put out, in the order of its inputs
     * @param reorders make arrays of what is in a layout of the engine
     * @return its output; null for a network output in training, which has no reader
     */
    @Nullable Value forward(Value[] inputs, boolean training, LayerWorkspaceMgr workspaces, Reorders reorders) {
        Space space = new Space(workspaces);
        INDArray[] arrays = new INDArray[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            arrays[i] = inputs[i] == null ? null : reorders.activation(inputs[i], space);
        }
        INDArray output = training ? forward(arrays, workspaces) : infer(arrays, workspaces);
        return output == null ? null : Value.of(output);
    }

    /**
     * The backward pass. Parameter gradients go to the array bound last.
     *
     * @param error gradient of the loss by its output, which the runner may overwrite; null for a network output
     * @return for each input the gradient of the loss by it; null for inputs that have none; may be empty if no vertex that
     *     it reads needs one
     */
    @Nullable Value[] backward(@Nullable Value error, LayerWorkspaceMgr workspaces, Reorders reorders) {
        INDArray array = error == null ? null : reorders.error(error, new Space(workspaces));
        @Nullable INDArray[] arrays = backward(array, workspaces);
        @Nullable Value[] errors = new Value[arrays.length];
        for (int i = 0; i < arrays.length; i++) {
            errors[i] = arrays[i] == null ? null : Value.of(arrays[i]);
        }
        return errors;
    }

    /**
     * The forward pass with arrays, in training.
     *
     * @param inputs outputs of the vertices that it reads, in the order of its inputs
     * @return its output; null for a network output, which has no reader
     */
    public @Nullable INDArray forward(INDArray[] inputs, LayerWorkspaceMgr workspaces) {
        setInputs(inputs, workspaces);
        return segment == null ? vertex.doForward(true, workspaces) : segment.forward(workspaces);
    }

    /** The output for inference, also of a network output. */
    public INDArray infer(INDArray[] inputs, LayerWorkspaceMgr workspaces) {
        setInputs(inputs, workspaces);
        return vertex.doForward(false, workspaces);
    }

    final void setInputs(INDArray[] inputs, LayerWorkspaceMgr workspaces) {
        for (int i = 0; i < inputs.length; i++) {
            vertex.setInput(i, inputs[i], workspaces);
        }
    }

    /** The backward pass with arrays. */
    public @Nullable INDArray[] backward(@Nullable INDArray error, LayerWorkspaceMgr workspaces) {
        boolean known = error != null || vertex.isOutputVertex();
        if (!inputErrors && known && vertex.getLayer() instanceof GradientAlone layer) {
            gradient = layer.gradient(error, workspaces);
            return new INDArray[0];
        }
        vertex.setEpsilon(error);
        Pair<Gradient, INDArray[]> result = vertex.doBackward(false, workspaces);
        gradient = result.getFirst();
        return result.getSecond() == null ? new INDArray[0] : result.getSecond();
    }

    /** Whether the next backward pass leaves its parameter gradients, where it can, to {@link #postponedGradient}. */
    void postponeGradient(boolean postpone) {
        if (vertex.getLayer() instanceof PostponesGradient layer) {
            layer.postponeGradient(postpone);
        }
    }

    /** The parameter gradients that the last backward pass has left; null if it has left none. */
    @Nullable Gradient postponedGradient(LayerWorkspaceMgr workspaces) {
        return vertex.getLayer() instanceof PostponesGradient layer ? layer.postponedGradient(workspaces) : null;
    }

    /**
     * Sets where parameter gradients go.
     *
     * @param gradients an array of the length of the parameters
     * @param add whether to add to it; a vertex that {@linkplain #addsGradients() cannot} always overwrites it
     */
    public void bindGradients(INDArray gradients, boolean add) {
        Layer layer = vertex.getLayer();
        if (layer == null || layer.getGradientsViewArray() != gradients) {
            vertex.setBackpropGradientsViewArray(gradients); // whose views would be made anew each time
        }
        if (layer instanceof AddsGradients adding) {
            adding.addGradients(add);
        }
    }

    /**
     * Sets in which turn the next parameter gradients are computed that go to the array bound.
     *
     * @param rows what micro-batches of earlier turns have left
     */
    void gather(GradientRows rows, GradientTurn turn) {
        // Deeplearning4j's layers leave nothing
    }

    /** Whether this vertex can add to the gradients that it finds. */
    public boolean addsGradients() {
        return vertex.getLayer() instanceof AddsGradients;
    }

    /** How many elements of working memory the next backward pass takes in order to add gradients. */
    long elementsToAdd() {
        return vertex.getLayer() instanceof AddsGradients layer ? layer.elementsToAdd() : 0;
    }

    /** What the last backward pass has computed, as views of the array bound; null if the vertex trains nothing. */
    public @Nullable Gradient gradient() {
        return gradient;
    }

    /**
     * Adds what the last backward pass has computed to the results of its task.
     *
     * @param partOfBatch whether the micro-batch is not the whole batch
     */
    void addResults(int position, boolean partOfBatch, BackwardResult results) {
        if (gradient != null) {
            results.gradients().put(position, gradient);
        }
        if (partOfBatch && vertex.getLayer() instanceof BatchNormalization layer) {
            results.moments().put(position, FastBatchNorm.momentsOfInput(layer));
        }
    }

    /** Takes the sums of a batch normalization over all micro-batches that join them. */
    void join(JointSums sums, int number) {
        ((FastBatchNorm) vertex.getLayer()).join(sums, number);
    }

    final void setGradient(Gradient computed) {
        gradient = computed;
    }

    /** Forgets every array and frees its memory. */
    public void reset() {
        clear();
    }

    /** Forgets the micro-batch. */
    public void clear() {
        vertex.clear();
        if (segment != null) {
            segment.clear();
        }
        forgetWeightNoise();
        gradient = null;
    }

    /** Forgets the parameters with noise that the last forward pass has used; the next one makes the same again. */
    final void forgetWeightNoise() {
        if (vertex.hasLayer()) {
            vertex.getLayer().clearNoiseWeightParams();
        }
    }
}
