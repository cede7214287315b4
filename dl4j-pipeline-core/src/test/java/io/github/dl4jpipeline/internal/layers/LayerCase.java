package io.github.dl4jpipeline.internal.layers;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * A layer, its input, and how both are laid out.
 *
 * @param kernel height and width, as of the other pairs
 * @param noise of the values of parameters, inputs and errors
 */
public record LayerCase(
        Kind kind,
        DataType type,
        CNN2DFormat format,
        ConvolutionMode mode,
        Pair kernel,
        Pair stride,
        Pair dilation,
        Pair padding,
        Pair map,
        int inputs,
        int outputs,
        int examples,
        Activation activation,
        boolean bias,
        boolean views,
        int threads,
        long noise) {

    /** Kinds of layers that have faster code. */
    public enum Kind {
        CONVOLUTION,
        CONVOLUTION_1D,
        DEPTHWISE,
        SEPARABLE,
        DECONVOLUTION,
        MAX_POOLING,
        AVERAGE_POOLING,
        NORM_POOLING,
        DENSE,
        OUTPUT,
        RESPONSE_NORMALIZATION,
        BATCH_NORMALIZATION,
        ACTIVATION,
        ADDITION;

        public boolean isPooling() {
            return name().endsWith("POOLING");
        }

        public boolean isOfRows() {
            return this == DENSE || this == OUTPUT;
        }

        /** Whether the layer has a kernel. */
        public boolean hasKernel() {
            return compareTo(NORM_POOLING) <= 0;
        }
    }

    public record Pair(int height, int width) {
        int[] array() {
            return new int[] {height, width};
        }

        @Override
        public String toString() {
            return height + "x" + width;
        }
    }

    /** Convolutions come more often, having the most code. */
    private static final List<Kind> KINDS = List.of(
            Kind.CONVOLUTION,
            Kind.CONVOLUTION,
            Kind.CONVOLUTION,
            Kind.CONVOLUTION,
            Kind.CONVOLUTION,
            Kind.CONVOLUTION,
            Kind.CONVOLUTION_1D,
            Kind.CONVOLUTION_1D,
            Kind.DEPTHWISE,
            Kind.DEPTHWISE,
            Kind.SEPARABLE,
            Kind.SEPARABLE,
            Kind.DECONVOLUTION,
            Kind.DECONVOLUTION,
            Kind.MAX_POOLING,
            Kind.MAX_POOLING,
            Kind.AVERAGE_POOLING,
            Kind.NORM_POOLING,
            Kind.DENSE,
            Kind.OUTPUT,
            Kind.RESPONSE_NORMALIZATION,
            Kind.BATCH_NORMALIZATION,
            Kind.BATCH_NORMALIZATION,
            Kind.ACTIVATION,
            Kind.ADDITION);

    private static final List<Activation> ACTIVATIONS =
            List.of(Activation.RELU, Activation.RELU, Activation.IDENTITY, Activation.TANH, Activation.SIGMOID);

    private static final Pair ONCE = new Pair(1, 1);
    private static final Pair TWICE = new Pair(2, 2);
    private static final Pair THRICE = new Pair(3, 3);

    /** One of the cases of a seed, always the same. */
    public static LayerCase of(long seed, int index) {
        SplittableRandom random = new SplittableRandom(31 * seed + index);
        int turn = index % KINDS.size();
        Kind kind = KINDS.get(turn);
        boolean winograd = turn == 0; // which is for few sizes
        boolean pool = kind == Kind.MAX_POOLING && random.nextBoolean(); // as the faster code wants it
        boolean square = random.nextInt(3) > 0;
        Pair kernel = random.nextInt(4) == 0 ? THRICE : pair(random, square, 1, 5);
        Pair stride = random.nextInt(3) == 0 ? ONCE : pair(random, square, 1, 3);
        Pair dilation = random.nextInt(5) == 0 ? pair(random, square, 1, 3) : ONCE;
        Pair padding = random.nextInt(2) == 0 ? pair(random, square, 0, 3) : new Pair(0, 0);
        DataType type = random.nextInt(3) == 0 ? DataType.DOUBLE : DataType.FLOAT;
        CNN2DFormat format = random.nextInt(4) == 0 ? CNN2DFormat.NHWC : CNN2DFormat.NCHW;
        boolean large = random.nextInt(20) == 0;
        boolean many = !large && random.nextInt(8) == 0;
        return new LayerCase(
                kind,
                winograd ? DataType.FLOAT : type,
                winograd || pool ? CNN2DFormat.NCHW : format,
                mode(random, kind),
                winograd ? THRICE : pool ? TWICE : kernel,
                winograd ? ONCE : pool ? TWICE : stride,
                winograd || pool ? ONCE : dilation,
                pool ? new Pair(0, 0) : padding,
                pair(random, square, 1, large ? 40 : 9),
                channels(random, many),
                channels(random, many),
                winograd
                        ? random.nextInt(15, 20)
                        : List.of(1, 2, 3, 4, 7, 16, 17).get(random.nextInt(7)),
                ACTIVATIONS.get(random.nextInt(ACTIVATIONS.size())),
                random.nextInt(4) > 0,
                random.nextInt(3) == 0,
                1 + random.nextInt(2),
                random.nextLong());
    }

    /** The same in float, in one thread. */
    public LayerCase inFloat() {
        return new LayerCase(
                kind,
                DataType.FLOAT,
                format,
                mode,
                kernel,
                stride,
                dilation,
                padding,
                map,
                inputs,
                outputs,
                examples,
                activation,
                bias,
                views,
                1,
                noise);
    }

    /**
     * Whether Deeplearning4j's own code ends the process, or writes to any place in memory: some convolutions without an
     * output, and max-pooling with a window that has no input.
     */
    public boolean isFatal() {
        boolean padded = mode == ConvolutionMode.Truncate || mode == ConvolutionMode.Strict;
        return switch (kind) {
            case CONVOLUTION_1D -> {
                int rest = map.height() + 2 * padding.height() - reach(kernel.height(), dilation.height());
                yield padded && rest / stride.height() + 1 < 1;
            }
            case DECONVOLUTION -> {
                int height = stride.height() * (map.height() - 1) + reach(kernel.height(), dilation.height());
                int width = stride.width() * (map.width() - 1) + reach(kernel.width(), dilation.width());
                yield padded && (height - 2 * padding.height() < 1 || width - 2 * padding.width() < 1);
            }
            case MAX_POOLING -> hasEmptyWindow();
            default -> false;
        };
    }

    private static int reach(int places, int apart) {
        return (places - 1) * apart + 1;
    }

    private boolean hasEmptyWindow() {
        return hasEmptyWindow(kernel.height(), stride.height(), dilation.height(), padding.height(), map.height())
                || hasEmptyWindow(kernel.width(), stride.width(), dilation.width(), padding.width(), map.width());
    }

    private boolean hasEmptyWindow(int places, int step, int apart, int padded, int size) {
        int reach = reach(places, apart);
        boolean same = mode == ConvolutionMode.Same;
        int windows = same ? (size + step - 1) / step : (size + 2 * padded - reach) / step + 1;
        int before = same ? Math.max(0, ((windows - 1) * step + reach - size) / 2) : padded;
        for (int window = 0; window < windows; window++) {
            int first = window * step - before;
            if (IntStream.range(0, places).map(place -> first + place * apart).noneMatch(at -> at >= 0 && at < size)) {
                return true;
            }
        }
        return false;
    }

    private static Pair pair(SplittableRandom random, boolean square, int least, int most) {
        int height = random.nextInt(least, most + 1);
        return new Pair(height, square ? height : random.nextInt(least, most + 1));
    }

    private static ConvolutionMode mode(SplittableRandom random, Kind kind) {
        int choice = random.nextInt(kind == Kind.CONVOLUTION_1D ? 4 : 3);
        return List.of(ConvolutionMode.Truncate, ConvolutionMode.Same, ConvolutionMode.Strict, ConvolutionMode.Causal)
                .get(choice);
    }

    private static int channels(SplittableRandom random, boolean many) {
        return many ? List.of(16, 32, 48, 64, 96, 256).get(random.nextInt(6)) : random.nextInt(1, 21);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(kind + " " + type);
        if (!kind.isOfRows() && kind != Kind.CONVOLUTION_1D) {
            text.append(' ').append(format);
        }
        if (kind.hasKernel()) {
            text.append(' ').append(mode);
            text.append(" kernel ").append(kernel);
            text.append(" stride ").append(stride);
            text.append(" dilation ").append(dilation);
            text.append(" padding ").append(padding);
        }
        return text.append(" of ")
                .append(examples)
                .append(" x ")
                .append(inputs)
                .append(" x ")
                .append(map)
                .append(" to ")
                .append(outputs)
                .append(' ')
                .append(activation)
                .append(bias ? "" : ", no bias")
                .append(views ? ", views" : "")
                .append(", threads ")
                .append(threads)
                .toString();
    }
}
