package io.github.dl4jpipeline.internal.layers;

import java.util.Arrays;
import org.deeplearning4j.exception.DL4JInvalidInputException;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.util.ConvolutionUtils;
import org.nd4j.linalg.api.ndarray.INDArray;

/** How a 2D convolution goes over its input: height before width in each array. */
record ConvolutionGeometry(ConvolutionLayer layer, ConvolutionMode mode) {
    private static final int OUTPUT_CHANNELS_FIRST = 1;

    /** Of a convolution in which every output is computed from the one input at its place. */
    static ConvolutionGeometry pointwise(CNN2DFormat format) {
        ConvolutionLayer layer =
                new ConvolutionLayer.Builder(1, 1).dataFormat(format).build();
        return new ConvolutionGeometry(layer, ConvolutionMode.Truncate);
    }

    int[] kernel() {
        return layer.getKernelSize();
    }

    int[] stride() {
        return layer.getStride();
    }

    int[] dilation() {
        return layer.getDilation();
    }

    int[] padding() {
        return layer.getPadding();
    }

    private boolean isSame() {
        return mode == ConvolutionMode.Same;
    }

    /** Whether every output is computed from the one input at its place. */
    boolean isPointwise() {
        return isAll(kernel(), 1) && isAll(stride(), 1) && (isSame() || isAll(padding(), 0));
    }

    /** Whether oneDNN may run it with Winograd's algorithm, where the processor and the number of examples allow it. */
    boolean isWinogradCandidate() {
        return isAll(kernel(), 3) && isAll(stride(), 1) && isAll(dilation(), 1);
    }

    /** Whether the kernel is at least as large as its stride. */
    boolean coversInput() {
        int[] reach = ConvolutionUtils.effectiveKernelSize(kernel(), dilation());
        return reach[0] >= stride()[0] && reach[1] >= stride()[1];
    }

    static boolean isAll(int[] sizes, int size) {
        return sizes[0] == size && sizes[1] == size;
    }

    boolean isChannelsFirst() {
        return layer.getCnn2dDataFormat() == CNN2DFormat.NCHW;
    }

    /**
     * Height and width of the output for some input.
     *
     * @throws RuntimeException if there is none; native operations would write outside of their arrays
     */
    int[] outputSize(INDArray input) {
        int[] size = ConvolutionUtils.getOutputSize(
                input, kernel(), stride(), isSame() ? null : padding(), mode, dilation(), layer.getCnn2dDataFormat());
        requireOutput(size, input);
        if (isSame()) {
            paddingBefore(size, input); // refuses strides that leave out the border
        }
        return size;
    }

    /** The same of the transposed convolution. */
    int[] transposedOutputSize(INDArray input) {
        int[] size = ConvolutionUtils.getDeconvolutionOutputSize(
                input, kernel(), stride(), padding(), mode, dilation(), layer.getCnn2dDataFormat());
        requireOutput(size, input);
        return size;
    }

    private void requireOutput(int[] size, INDArray input) {
        if (size[0] < 1 || size[1] < 1) {
            throw new DL4JInvalidInputException("Layer '" + layer.getLayerName() + "' has no output for input of shape "
                    + Arrays.toString(input.shape()) + ": kernel " + Arrays.toString(kernel()) + ", stride "
                    + Arrays.toString(stride()) + ", dilation " + Arrays.toString(dilation()) + ", padding "
                    + Arrays.toString(padding()) + ", " + mode);
        }
    }

    long[] outputShape(INDArray input, long channels) {
        int[] size = outputSize(input);
        return isChannelsFirst()
                ? new long[] {input.size(0), channels, size[0], size[1]}
                : new long[] {input.size(0), size[0], size[1], channels};
    }

    /** Padding above and to the left of the input; none of it is negative. */
    int[] paddingBefore(INDArray input) {
        return isSame() ? paddingBefore(outputSize(input), input) : padding();
    }

    private int[] paddingBefore(int[] output, INDArray input) {
        int height = isChannelsFirst() ? 2 : 1;
        int[] size = {(int) input.size(height), (int) input.size(height + 1)};
        return ConvolutionUtils.getSameModeTopLeftPadding(output, size, kernel(), stride(), dilation());
    }

    /** As the native operations on each channel by itself want it. */
    int[] channelArguments() {
        int[] all = arguments();
        return Arrays.copyOf(all, all.length - 1);
    }

    /** As the native operations want it. */
    int[] arguments() {
        return new int[] {
            kernel()[0],
            kernel()[1],
            stride()[0],
            stride()[1],
            padding()[0],
            padding()[1],
            dilation()[0],
            dilation()[1],
            isSame() ? 1 : 0,
            isChannelsFirst() ? 0 : 1,
            OUTPUT_CHANNELS_FIRST
        };
    }
}
