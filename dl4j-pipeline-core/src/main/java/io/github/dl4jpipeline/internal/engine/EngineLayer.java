package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.JointSums;
import io.github.dl4jpipeline.internal.layers.Moments;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Slot;
import java.util.Map;
import java.util.function.Consumer;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The code of one vertex for one micro-batch in flight. It keeps between the passes what the backward pass needs.
 *
 * <p>A pass of it is as Deeplearning4j's: to the same rounding, with the same shapes.
 */
public abstract class EngineLayer implements AutoCloseable {
    private final Reorders reorders = new Reorders();

    /**
     * The forward pass.
     *
     * @param inputs what it reads
     * @param training false for inference, which no backward pass follows
     * @return null if Deeplearning4j's layer must run instead, for input of this kind
     */
    public abstract @Nullable Value forward(Value[] inputs, boolean training, Space space);

    /**
     * The forward pass of a layer with a mask, which most leave to Deeplearning4j.
     *
     * @param mask as the layer has it
     */
    public @Nullable Value forward(Value[] inputs, INDArray mask, boolean training, Space space) {
        return null;
    }

    /**
     * The forward pass of a recurrent layer in training, for a segment of sequences. The backward pass begins at zero all the same.
     *
     * @param mask as the layer has it; null for none
     * @param state what it carries from segment to segment
     */
    public @Nullable Value forward(Value[] inputs, @Nullable INDArray mask, CarriedState state, Space space) {
        return null;
    }

    /**
     * The errors of its inputs.
     *
     * @param error of its output, which may be overwritten
     * @param wanted by input, whether its error is wanted
     * @param postponed whether {@link #gradient} is called in a later task
     * @return by input, null where it is not wanted
     */
    public abstract @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space);

    /** Whether it has parameters. */
    public boolean hasGradient() {
        return false;
    }

    /**
     * Computes the gradients of its parameters, after {@link #backward}.
     *
     * @param views by name, where they go
     * @param add whether to add them to what is there
     */
    public Gradient gradient(Map<String, INDArray> views, boolean add, Space space) {
        throw new UnsupportedOperationException("no parameters");
    }

    /**
     * Where the gradients of its parameters go.
     *
     * @param layer whose code this is
     * @param gradients all of them, one after another
     * @return views of the array, by name
     */
    public Map<String, INDArray> views(Layer layer, INDArray gradients) {
        return layer.conf().getLayer().initializer().getGradientsFromFlattened(layer.conf(), gradients);
    }

    /**
     * The same where several micro-batches have one sum. It may leave rows to a later one.
     *
     * @param rows what micro-batches before have left, and whether any has written
     */
    public Gradient gradient(Map<String, INDArray> views, GradientRows rows, GradientTurn turn, Space space) {
        boolean add = rows.isWritten();
        rows.write();
        return gradient(views, add, space);
    }

    /** Writes what micro-batches have left for a later one. It may have run none of them. */
    public void finish(Map<String, INDArray> views, GradientRows rows, Space space) {
        // most leave nothing
    }

    /** Takes sums over all micro-batches that join them, of which this one has a number; where it takes any. */
    public void join(JointSums sums, int number) {
        // most layers see examples one by one
    }

    /** Of the input of the last forward pass in training; null if it takes none. */
    public @Nullable Moments moments() {
        return null;
    }

    /** Forgets the micro-batch. */
    public abstract void clear();

    /** Frees native memory, which the next pass takes anew. */
    @Override
    public void close() {
        clear();
        reorders.close();
    }

    final Reorders reorders() {
        return reorders;
    }

    /** Floats of an activation in a layout. */
    final INDArray activation(Value value, Layout wanted, Space space) {
        return reorders.in(wanted, value, space, space::activation);
    }

    /** Floats of an error in a layout. */
    final INDArray error(Value value, Layout wanted, Space space) {
        return reorders.in(wanted, value, space, space::error);
    }

    /**
     * Writes a gradient.
     *
     * @param add whether to add it to what is in the view
     * @param writer writes it into an array
     */
    static void write(INDArray view, boolean add, Space space, Consumer<INDArray> writer) {
        INDArray floats = add ? space.work(view.length()).reshape(view.ordering(), view.shape()) : view;
        writer.accept(floats);
        if (add) {
            view.addi(floats);
        }
    }

    /** The same with a primitive for weights' gradients, all whose other arguments are set. */
    static void write(Primitive gradient, INDArray view, boolean add, Space space) {
        write(view, add, space, floats -> run(gradient.with(Slot.WEIGHT_GRADIENT, floats), space));
    }

    /** Runs a primitive whose other arguments are set. */
    static void run(Primitive primitive, Space space) {
        if (primitive.scratchFloats() > 0) {
            primitive.with(Slot.SCRATCH, space.work(primitive.scratchFloats()));
        }
        primitive.run();
    }
}
