package io.github.dl4jpipeline.internal.onednn;

import java.util.Arrays;
import org.bytedeco.dnnl.convolution_backward_data;
import org.bytedeco.dnnl.convolution_backward_weights;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.primitive_desc_base;
import org.jspecify.annotations.Nullable;

/**
 * A 2D convolution of so many examples: its three operations, and the layouts that they read and write.
 *
 * <p>Layouts of activations are given, or chosen where that is faster. Each operation chooses the layout of its weights.
 */
public final class Convolution implements SharedGradient {
    private static final int FEW_CHANNELS = 4;

    /** Blocks of channels with AVX-512. */
    private static final long BLOCK = 16;

    /** Arithmetic with channels that pad blocks, beside that without. */
    private static final double MUCH_PADDING = 1.25;

    /** Of smaller kernels, changing the layout of maps may cost more than it saves, and Winograd's algorithm less. */
    private static final long MANY_TAPS = 16;

    private final Shape shape;
    private final dnnl.algorithm method;
    private final Window window;
    private final boolean bias;
    private final long[] weightShape;
    private final Layout input;
    private final Layout output;
    private final convolution_forward.primitive_desc forward;

    /**
     * The shape of a convolution.
     *
     * @param inputShape examples, channels, height, width
     * @param outputShape likewise
     * @param weightShape output channels, input channels, height, width; with groups, their number before that and the channels
     *     of one
     * @param inputErrors whether errors of the input are wanted
     * @param exact whether the algorithm must round as little as the definition: not Winograd's
     */
    @SuppressWarnings("ArrayRecordComponent")
    public record Shape(
            long[] inputShape,
            long[] outputShape,
            long[] weightShape,
            Window window,
            boolean bias,
            boolean inputErrors,
            boolean exact) {
        private Shape ofExamples(long count) {
            return new Shape(
                    withExamples(inputShape, count),
                    withExamples(outputShape, count),
                    weightShape,
                    window,
                    bias,
                    inputErrors,
                    exact);
        }

        private static long[] withExamples(long[] maps, long count) {
            long[] some = maps.clone();
            some[0] = count;
            return some;
        }
    }

    private Convolution(Shape shape, memory.desc input, memory.desc output, Activation activation) {
        this.shape = shape;
        method = shape.exact() ? dnnl.algorithm.convolution_direct : dnnl.algorithm.convolution_auto;
        window = shape.window();
        bias = shape.bias();
        weightShape = shape.weightShape();
        forward = new convolution_forward.primitive_desc(forward(input, output), activation.fused(), OneDnn.engine());
        this.input = Layout.of(forward.src_desc(), shape.inputShape());
        this.output = Layout.of(forward.dst_desc(), shape.outputShape());
    }

    /**
     * One that reads its input in this layout, or in another that it likes better: few channels are best read in row-major
     * order, more are not.
     *
     * @param activation applied to the outputs
     * @return null if oneDNN has only slow code for it
     */
    public static @Nullable Convolution reading(Layout input, Shape shape, Activation activation) {
        if (isPadded(shape)) {
            Convolution exact = new Convolution(
                    shape,
                    Layout.channelsLast(shape.inputShape()).description(),
                    Layout.channelsLast(shape.outputShape()).description(),
                    activation);
            if (exact.isOfAnyChannels() && exact.isFast(shape)) {
                return exact;
            }
        }
        boolean chooses = input.isRowMajor() && shape.inputShape()[1] > FEW_CHANNELS;
        memory.desc given = input.description();
        memory.desc any = Layout.any(shape.inputShape());
        memory.desc output = Layout.any(shape.outputShape());
        Convolution first = new Convolution(shape, chooses ? any : given, output, activation);
        if (first.isFast(shape)) {
            return first;
        }
        Convolution second = new Convolution(shape, chooses ? given : any, output, activation);
        if (second.isFast(shape)) {
            return second;
        }
        Convolution plain = new Convolution( // as products of matrices
                shape,
                Layout.rowMajor(shape.inputShape()).description(),
                Layout.rowMajor(shape.outputShape()).description(),
                activation);
        return plain.isFast(shape) ? plain : null;
    }

    /** Whether blocks of channels make much more arithmetic. */
    private static boolean isPadded(Shape shape) {
        long[] weights = shape.weightShape();
        if (weights.length != 4 || weights[1] <= FEW_CHANNELS || weights[2] * weights[3] < MANY_TAPS) {
            return false;
        }
        double padded = (double) blocked(weights[0]) * blocked(weights[1]);
        return padded >= MUCH_PADDING * weights[0] * weights[1];
    }

    private static long blocked(long channels) {
        return (channels + BLOCK - 1) / BLOCK * BLOCK;
    }

    /** Whether it computes no padding; only with AVX-512 there is such code. */
    private boolean isOfAnyChannels() {
        return forward.impl_info_str().getString().startsWith("brgconv");
    }

    private boolean isFast(Shape shape) {
        return !Primitive.isSlow(forward)
                && !Primitive.isSlow(gradients())
                && !(shape.inputErrors() && Primitive.isSlow(inputErrors()));
    }

    /** Whether oneDNN computes its outputs by Winograd's algorithm. */
    boolean isWinograd() {
        return isWinograd(forward);
    }

    /** Whether oneDNN computes its weights' gradient by Winograd's algorithm. */
    public boolean hasWinogradGradient() {
        return isWinograd(gradients());
    }

    private static boolean isWinograd(primitive_desc_base description) {
        return description.impl_info_str().getString().contains("wino");
    }

    /** What it reads. */
    public Layout input() {
        return input;
    }

    /** What it writes. */
    public Layout output() {
        return output;
    }

    /** The layout of weights in its forward pass. */
    public Layout forwardWeights() {
        return Layout.of(forward.weights_desc(), weightShape);
    }

    /** From {@link Slot#INPUT}, {@link Slot#WEIGHTS} and {@link Slot#BIAS} to {@link Slot#OUTPUT}. */
    public Primitive forward() {
        Primitive primitive = new Primitive(forward, new convolution_forward(forward))
                .takes(Slot.INPUT, input)
                .takes(Slot.WEIGHTS, forwardWeights())
                .takes(Slot.OUTPUT, output);
        return bias ? primitive.takes(Slot.BIAS, forward.weights_desc(1)) : primitive;
    }

    /** The layout of weights in the pass that computes the input's error. */
    public Layout backwardWeights() {
        return Layout.of(inputErrors().weights_desc(), weightShape);
    }

    /** From {@link Slot#OUTPUT_ERROR} and {@link Slot#WEIGHTS} to {@link Slot#INPUT_ERROR}. */
    public Primitive backward() {
        convolution_backward_data.primitive_desc description = inputErrors();
        return new Primitive(description, new convolution_backward_data(description))
                .takes(Slot.OUTPUT_ERROR, output)
                .takes(Slot.WEIGHTS, description.weights_desc())
                .takes(Slot.INPUT_ERROR, input);
    }

    @Override
    public long examples() {
        return shape.inputShape()[0];
    }

    @Override
    public long inputs() {
        return input.floats() / examples();
    }

    @Override
    public long outputs() {
        return output.floats() / examples();
    }

    /** Maps that take at most as much memory as the gradient in transformed form. */
    @Override
    public long mostExamples() {
        return 4 * Arrays.stream(weightShape).reduce(1, Math::multiplyExact) / (inputs() + outputs());
    }

    @Override
    public Convolution ofExamples(long count) {
        return new Convolution(
                shape.ofExamples(count),
                input.ofExamples(count).description(),
                output.ofExamples(count).description(),
                Activation.IDENTITY);
    }

    @Override
    public boolean joins(SharedGradient other) {
        return other instanceof Convolution convolution
                && isAlike(input, convolution.input)
                && isAlike(output, convolution.output);
    }

    /** Whether an example of both has the same layout. */
    private static boolean isAlike(Layout one, Layout other) {
        return one.equals(other) || one.ofExamples(1).equals(other.ofExamples(1));
    }

    @Override
    public Layout gradientWeights() {
        return Layout.of(gradients().diff_weights_desc(), weightShape);
    }

    /** What it writes may have to be aligned. */
    @Override
    public Primitive gradient() {
        convolution_backward_weights.primitive_desc description = gradients();
        Primitive primitive = new Primitive(description, new convolution_backward_weights(description))
                .takes(Slot.INPUT, input)
                .takes(Slot.OUTPUT_ERROR, output);
        if (isWinograd(description)) {
            primitive.takesAligned(Slot.WEIGHT_GRADIENT, description.diff_weights_desc());
        } else {
            primitive.takes(Slot.WEIGHT_GRADIENT, description.diff_weights_desc());
        }
        return bias ? primitive.takes(Slot.BIAS_GRADIENT, biasLayout()) : primitive;
    }

    private memory.desc biasLayout() {
        return Layout.rowMajor(outputChannels()).description();
    }

    private long outputChannels() {
        return output.shape()[1];
    }

    private convolution_forward.desc forward(memory.desc from, memory.desc to) {
        dnnl.prop_kind training = dnnl.prop_kind.forward_training;
        memory.desc weights = Layout.any(weightShape);
        return bias
                ? new convolution_forward.desc(
                        training,
                        method,
                        from,
                        weights,
                        new memory.desc(new long[] {channels(weightShape)}, memory.data_type.f32, memory.format_tag.a),
                        to,
                        window.stride(),
                        window.between(),
                        window.before(),
                        window.after())
                : new convolution_forward.desc(
                        training,
                        method,
                        from,
                        weights,
                        to,
                        window.stride(),
                        window.between(),
                        window.before(),
                        window.after());
    }

    private static long channels(long[] weights) {
        return weights.length == 5 ? weights[0] * weights[1] : weights[0];
    }

    private convolution_backward_data.primitive_desc inputErrors() {
        return new convolution_backward_data.primitive_desc(
                new convolution_backward_data.desc(
                        method,
                        input.description(),
                        Layout.any(weightShape),
                        output.description(),
                        window.stride(),
                        window.between(),
                        window.before(),
                        window.after()),
                OneDnn.attributes(),
                OneDnn.engine(),
                hint());
    }

    private convolution_backward_weights.primitive_desc gradients() {
        primitive_attr attributes = OneDnn.attributes();
        convolution_backward_weights.desc description = bias
                ? new convolution_backward_weights.desc(
                        method,
                        input.description(),
                        Layout.any(weightShape),
                        biasLayout(),
                        output.description(),
                        window.stride(),
                        window.between(),
                        window.before(),
                        window.after())
                : new convolution_backward_weights.desc(
                        method,
                        input.description(),
                        Layout.any(weightShape),
                        output.description(),
                        window.stride(),
                        window.between(),
                        window.before(),
                        window.after());
        return new convolution_backward_weights.primitive_desc(description, attributes, OneDnn.engine(), hint());
    }

    /** The forward pass of which the backward passes are told. */
    private convolution_forward.primitive_desc hint() {
        return new convolution_forward.primitive_desc(
                forward(input.description(), output.description()), OneDnn.attributes(), OneDnn.engine());
    }
}
