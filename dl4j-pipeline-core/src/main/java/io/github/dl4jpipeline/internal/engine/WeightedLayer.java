package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.ReluGradient;
import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Dense;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.SharedGradient;
import io.github.dl4jpipeline.internal.onednn.Slot;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A layer of weights, bias and a function of each output. The derivative follows from the output, so the pre-activation is not
 * kept.
 */
abstract class WeightedLayer<P extends WeightedLayer.Passes> extends EngineLayer {
    private final Layer layer;
    private final String weights;
    private final boolean bias;
    private final Activation function;
    private final boolean rectifies;
    private final ByLayout<P> byLayout = new ByLayout<>();

    private @Nullable P passes;
    private @Nullable INDArray input;
    private @Nullable INDArray output;

    /** The gradient by the pre-activation. */
    private @Nullable INDArray delta;

    /** The primitives for one layout of input. */
    abstract static class Passes implements AutoCloseable {
        private final Layout input;
        private final Layout output;
        private final Activation function;
        private final Primitive forward;
        private @Nullable Primitive derivative;
        private @Nullable Primitive backward;
        private @Nullable Primitive gradient;

        Passes(Layout input, Layout output, Activation function, Primitive forward) {
            this.input = input;
            this.output = output;
            this.function = function;
            this.forward = forward;
        }

        final Layout input() {
            return input;
        }

        final Layout output() {
            return output;
        }

        final Primitive forward() {
            return forward;
        }

        /** The operation whose gradient several micro-batches share; null if each has its own. */
        @Nullable SharedGradient shared() {
            return null;
        }

        abstract Primitive makeBackward();

        abstract Primitive makeGradient();

        /** The layout in which the gradient of the weights is written. */
        abstract Layout gradientWeights();

        final Primitive derivative() {
            if (derivative == null) {
                derivative = function.backward(output);
            }
            return derivative;
        }

        final Primitive backward() {
            if (backward == null) {
                backward = makeBackward();
            }
            return backward;
        }

        final Primitive gradient() {
            if (gradient == null) {
                gradient = makeGradient();
            }
            return gradient;
        }

        @Override
        public void close() {
            forward.close();
            for (Primitive primitive : new Primitive[] {derivative, backward, gradient}) {
                if (primitive != null) {
                    primitive.close();
                }
            }
        }
    }

    /**
     * @param layer has the parameters
     * @param weights their name as a parameter
     * @param bias whether it adds one
     * @param rectifies whether ReLU is left to this class by the forward primitive
     */
    WeightedLayer(Layer layer, String weights, boolean bias, Activation function, boolean rectifies) {
        this.layer = layer;
        this.weights = weights;
        this.bias = bias;
        this.function = function;
        this.rectifies = rectifies;
    }

    final Activation function() {
        return function;
    }

    abstract @Nullable P make(Layout input);

    /** The weights as the parameters have them. */
    final INDArray weights() {
        return layer.getParam(weights);
    }

    final boolean hasBias() {
        return bias;
    }

    /** The bias; null if it has none. */
    final @Nullable INDArray bias() {
        return bias ? layer.getParam(DefaultParamInitializer.BIAS_KEY) : null;
    }

    /** Weights as the forward pass reads them. */
    INDArray forwardWeights(P passes, Space space) {
        return weights();
    }

    /** Weights as the backward pass reads them. */
    INDArray backwardWeights(P passes, Space space) {
        return weights();
    }

    /** The layout of input in which a value is taken; null if this cannot take it. */
    abstract @Nullable Layout layoutOf(Value value);

    @Override
    public final @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Layout layout = layoutOf(inputs[0]);
        P made = layout == null ? null : byLayout.get(layout, this::make);
        if (made == null) {
            return null;
        }
        if (!isFinite(inputs[0], made, space)) {
            return null;
        }
        passes = made;
        input = activation(inputs[0], made, space);
        output = space.activation(made.output().floats());
        computeOutput(made, input, output, space);
        if (rectifies) {
            Rectifier.run(output, output);
        }
        return new Value(output, made.output(), Rectifier.is(function));
    }

    /** Writes the output. */
    void computeOutput(P made, INDArray from, INDArray to, Space space) {
        Primitive forward = made.forward();
        INDArray added = bias();
        if (added != null) {
            forward.with(Slot.BIAS, added);
        }
        forward.with(Slot.INPUT, from).with(Slot.WEIGHTS, forwardWeights(made, space));
        run(forward.with(Slot.OUTPUT, to), space);
    }

    /** Whether the primitives may see these inputs and the parameters, where NaN and infinities would change their places. */
    boolean isFinite(Value value, P made, Space space) {
        return true;
    }

    /** Floats of the input as the primitives read it. */
    INDArray activation(Value value, P made, Space space) {
        return activation(value, made.input(), space);
    }

    @Override
    public final @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        P made = requirePasses();
        INDArray ofOutput = error(error, made, space);
        delta = derivative(made, ofOutput, error.rectified(), postponed, space);
        if (!wanted[0]) {
            return new Value[1];
        }
        INDArray ofInput = space.error(made.input().floats());
        computeError(made, delta, ofInput, space);
        return new Value[] {inputError(ofInput, made, space)};
    }

    /** Writes the input's error, from that of the pre-activation. */
    void computeError(P made, INDArray from, INDArray to, Space space) {
        Primitive backward = made.backward();
        backward.with(Slot.OUTPUT_ERROR, from).with(Slot.WEIGHTS, backwardWeights(made, space));
        run(backward.with(Slot.INPUT_ERROR, to), space);
    }

    /** The input's error, from what the primitive has written. */
    Value inputError(INDArray floats, P made, Space space) {
        return new Value(floats, inputShape(made));
    }

    /** Floats of the output's error. */
    INDArray error(Value value, P made, Space space) {
        return error(value, made.output(), space);
    }

    /** The layout of the input's error, with the shape of the input. */
    Layout inputShape(P made) {
        return made.input();
    }

    /** @param done whether the error is that of the pre-activation already */
    private INDArray derivative(P made, INDArray error, boolean done, boolean postponed, Space space) {
        INDArray result = postponed ? space.kept(made.output().floats()) : error;
        if (function.isIdentity() || done) {
            return postponed ? result.assign(error.reshape(error.length())) : error;
        }
        if (rectifies) {
            if (postponed) {
                result.assign(error.reshape(error.length()));
            }
            ReluGradient.apply(output, result);
            return result;
        }
        run(
                made.derivative()
                        .with(Slot.OUTPUT, output)
                        .with(Slot.OUTPUT_ERROR, error)
                        .with(Slot.INPUT_ERROR, result),
                space);
        return result;
    }

    private P requirePasses() {
        P made = passes;
        if (made == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        return made;
    }

    @Override
    public final boolean hasGradient() {
        return true;
    }

    @Override
    public final Gradient gradient(Map<String, INDArray> views, boolean add, Space space) {
        P made = requirePasses();
        INDArray from = Objects.requireNonNull(input);
        INDArray errors = Objects.requireNonNull(delta, "no backward pass before the gradient");
        writeBias(
                views,
                add,
                space,
                ofBias -> computeGradient(made, from, errors, views.get(weights), ofBias, add, space));
        delta = null;
        return named(views);
    }

    /**
     * Writes the gradients.
     *
     * @param view the weights' gradient
     * @param ofBias where that of the bias is written; null if there is none
     * @param add whether the weights' gradient is added to what is there
     */
    void computeGradient(
            P made,
            INDArray from,
            INDArray errors,
            INDArray view,
            @Nullable INDArray ofBias,
            boolean add,
            Space space) {
        Primitive primitive = made.gradient().with(Slot.INPUT, from).with(Slot.OUTPUT_ERROR, errors);
        writeGradient(with(ofBias, primitive), made.gradientWeights(), view, add, space);
    }

    private static Primitive with(@Nullable INDArray ofBias, Primitive gradient) {
        return ofBias == null ? gradient : gradient.with(Slot.BIAS_GRADIENT, ofBias);
    }

    @Override
    public final Gradient gradient(Map<String, INDArray> views, GradientRows rows, GradientTurn turn, Space space) {
        if (leave(requirePasses(), input, delta, views, rows, turn, space)) {
            delta = null;
            return named(views);
        }
        return super.gradient(views, rows, turn, space);
    }

    /** Leaves the gradient of a micro-batch to a later one, if that is faster; false if not. */
    boolean leave(
            P made,
            INDArray from,
            INDArray errors,
            Map<String, INDArray> views,
            GradientRows rows,
            GradientTurn turn,
            Space space) {
        SharedGradient shared = made.shared();
        if (shared == null) {
            return false;
        }
        if (!rows.hasRoomFor(shared)) {
            finish(views, rows, space);
        }
        return rows.take(shared, from, errors, turn);
    }

    @Override
    public final void finish(Map<String, INDArray> views, GradientRows rows, Space space) {
        if (hasLeft(rows)) {
            boolean add = rows.isWritten();
            writeBias(views, add, space, ofBias -> {
                if (rows.hasSum()) {
                    rows.writeSum(views.get(weights), ofBias, add, space);
                } else {
                    GradientRows.Shared shared = rows.takeGradient();
                    writeGradient(with(ofBias, shared.gradient()), shared.weights(), views.get(weights), add, space);
                }
            });
            rows.write();
        }
    }

    /** Whether this code has left what is there, and not another code of the same vertex. */
    boolean hasLeft(GradientRows rows) {
        return rows.hasExamplesOf(Dense.class);
    }

    /** Writes the bias' gradient, if there is a bias, with what is given null if not. */
    private void writeBias(Map<String, INDArray> views, boolean add, Space space, Consumer<@Nullable INDArray> writer) {
        if (bias) {
            write(views.get(DefaultParamInitializer.BIAS_KEY), add, space, writer);
        } else {
            writer.accept(null);
        }
    }

    private Gradient named(Map<String, INDArray> views) {
        Gradient named = new DefaultGradient();
        if (bias) {
            named.setGradientFor(DefaultParamInitializer.BIAS_KEY, views.get(DefaultParamInitializer.BIAS_KEY));
        }
        named.setGradientFor(weights, views.get(weights), orderOfWeights());
        return named;
    }

    /**
     * Runs the primitive for the weights' gradient, all whose other arguments are set.
     *
     * @param layout in which it writes
     */
    void writeGradient(Primitive gradient, Layout layout, INDArray view, boolean add, Space space) {
        write(gradient, view, add, space);
    }

    /** How Deeplearning4j flattens the weights' gradient; null for its usual way. */
    abstract @Nullable Character orderOfWeights();

    @Override
    public final void clear() {
        passes = null;
        input = null;
        output = null;
        delta = null;
    }

    @Override
    public final void close() {
        super.close();
        byLayout.close();
    }
}
