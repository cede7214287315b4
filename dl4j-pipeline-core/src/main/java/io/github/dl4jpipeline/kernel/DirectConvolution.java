package io.github.dl4jpipeline.kernel;

import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.common.util.ArrayUtil;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * As a native operation, which oneDNN runs where it is compiled in. It takes as much memory again as its maps, and frees that
 * at its end. The C library has no room in the heap of a thread for blocks of more than 64 MB: those would come from the
 * system each time, with pages that it has to clear. So large maps are convolved some examples at a time.
 */
final class DirectConvolution implements ConvolutionCode {
    private static final long MOST_BYTES = 48 << 20;

    private final long mostBytes;

    DirectConvolution() {
        this(MOST_BYTES);
    }

    /** @param mostBytes size of input and output together that are convolved at once, unless it is one example's */
    DirectConvolution(long mostBytes) {
        this.mostBytes = mostBytes;
    }

    /** The oneDNN of ND4J 1.0.0-M2.1 refuses dilated convolutions. */
    static boolean canRun(ConvolutionGeometry geometry) {
        return ConvolutionGeometry.isAll(geometry.dilation(), 1);
    }

    @Override
    public void forward(
            INDArray input,
            INDArray weights,
            @Nullable INDArray bias,
            INDArray output,
            ConvolutionGeometry geometry,
            LayerWorkspaceMgr workspaces) {
        INDArray from = inOrder(input, geometry, workspaces, ArrayType.FF_WORKING_MEM);
        forward(from, weights, bias, output, geometry.arguments());
    }

    /** With channels last the operation reads views, such as of maps with channels first, as if they were none. */
    static INDArray inOrder(
            INDArray array, ConvolutionGeometry geometry, LayerWorkspaceMgr workspaces, ArrayType memory) {
        return geometry.isChannelsFirst() ? array : new ChannelMath(1, workspaces, memory).inOrder(array);
    }

    /** The same for {@linkplain ChannelsLast#view views} of input and output with the channels last. */
    void forwardChannelsLast(
            INDArray input, INDArray weights, @Nullable INDArray bias, INDArray output, ConvolutionGeometry geometry) {
        forward(input, weights, bias, output, geometry.arguments(false));
    }

    private void forward(INDArray input, INDArray weights, @Nullable INDArray bias, INDArray output, int... arguments) {
        for (Rows.Range part : parts(input, output.length())) {
            INDArray from = part.of(input);
            NativeOp.run(
                    "conv2d",
                    bias == null ? new INDArray[] {from, weights} : new INDArray[] {from, weights, bias},
                    new INDArray[] {part.of(output)},
                    arguments);
        }
    }

    @Override
    public void backward(
            INDArray input,
            INDArray weights,
            INDArray error,
            Gradients gradients,
            boolean add,
            ConvolutionGeometry geometry,
            LayerWorkspaceMgr workspaces) {
        INDArray from = inOrder(input, geometry, workspaces, ArrayType.BP_WORKING_MEM);
        INDArray delta = inOrder(error, geometry, workspaces, ArrayType.BP_WORKING_MEM);
        INDArray biasSum = gradients.bias();
        INDArray weightSum = Objects.requireNonNull(gradients.weights());
        List<Rows.Range> parts = parts(input, error.length());
        INDArray unwanted = gradients.input() == null ? scratch(parts.get(0).of(input), workspaces) : null;
        boolean adds = add || parts.size() > 1;
        INDArray apartWeights = adds ? scratch(weightSum, workspaces) : weightSum;
        INDArray apartBias = adds && biasSum != null ? scratch(biasSum, workspaces) : biasSum;
        boolean first = !add;
        for (Rows.Range part : parts) {
            INDArray ofInput = unwanted == null ? part.of(gradients.input()) : Rows.of(unwanted, 0, part.size());
            INDArray ofWeights = first ? weightSum : apartWeights;
            INDArray ofBias = first ? biasSum : apartBias;
            NativeOp.run(
                    "conv2d_bp",
                    biasSum == null // of the bias only the shape matters
                            ? new INDArray[] {part.of(from), weights, part.of(delta)}
                            : new INDArray[] {part.of(from), weights, biasSum, part.of(delta)},
                    ofBias == null ? new INDArray[] {ofInput, ofWeights} : new INDArray[] {ofInput, ofWeights, ofBias},
                    geometry.arguments());
            if (!first) {
                weightSum.addi(ofWeights);
                if (biasSum != null) {
                    biasSum.addi(ofBias);
                }
            }
            first = false;
        }
    }

    /** Whether parts of the gradients are added up, so that one needs an array of its own. */
    boolean addsParts(INDArray input, long[] outputShape) {
        return parts(input, ArrayUtil.prodLong(outputShape)).size() > 1;
    }

    private List<Rows.Range> parts(INDArray input, long outputLength) {
        long bytes = (input.length() + outputLength) * input.dataType().width();
        return Rows.parts(input.size(0), (bytes + mostBytes - 1) / mostBytes);
    }

    /** The operation always writes all gradients, over what is there. */
    private static INDArray scratch(INDArray like, LayerWorkspaceMgr workspaces) {
        return workspaces.createUninitialized(ArrayType.BP_WORKING_MEM, like.dataType(), like.shape(), 'c');
    }
}
