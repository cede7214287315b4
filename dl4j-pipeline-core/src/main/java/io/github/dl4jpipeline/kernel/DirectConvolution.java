package io.github.dl4jpipeline.kernel;

import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
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
        INDArray weightSum = Objects.requireNonNull(gradients.weights());
        INDArray biasSum = gradients.bias();
        List<Rows.Range> parts = parts(input, error.length());
        boolean several = parts.size() > 1;
        INDArray unwanted = gradients.input() == null ? scratch(parts.get(0).of(input), workspaces) : null;
        INDArray toAdd = add || several ? scratch(weightSum, workspaces) : null;
        INDArray toAddToBias = biasSum != null && (add || several) ? scratch(biasSum, workspaces) : null;
        boolean adding = add;
        for (Rows.Range part : parts) {
            INDArray ofInput = unwanted == null ? part.of(gradients.input()) : Rows.of(unwanted, 0, part.size());
            Gradients ofPart =
                    adding ? new Gradients(ofInput, toAdd, toAddToBias) : new Gradients(ofInput, weightSum, biasSum);
            backward(part.of(from), weights, part.of(delta), ofPart, geometry);
            if (adding) {
                weightSum.addi(toAdd);
                if (biasSum != null) {
                    biasSum.addi(toAddToBias);
                }
            }
            adding = true;
        }
    }

    private static void backward(
            INDArray input, INDArray weights, INDArray error, Gradients gradients, ConvolutionGeometry geometry) {
        INDArray bias = gradients.bias(); // of which only the shape matters as an input
        NativeOp.run(
                "conv2d_bp",
                bias == null ? new INDArray[] {input, weights, error} : new INDArray[] {input, weights, bias, error},
                bias == null
                        ? new INDArray[] {gradients.input(), gradients.weights()}
                        : new INDArray[] {gradients.input(), gradients.weights(), bias},
                geometry.arguments());
    }

    private List<Rows.Range> parts(INDArray input, long outputLength) {
        long examples = input.size(0);
        long bytesOfExample =
                (input.length() + outputLength) / examples * input.dataType().width();
        return Rows.parts(examples, Math.max(1, mostBytes / bytesOfExample));
    }

    /** The operation always writes all gradients, over what is there. */
    private static INDArray scratch(INDArray like, LayerWorkspaceMgr workspaces) {
        return workspaces.createUninitialized(ArrayType.BP_WORKING_MEM, like.dataType(), like.shape(), 'c');
    }
}
