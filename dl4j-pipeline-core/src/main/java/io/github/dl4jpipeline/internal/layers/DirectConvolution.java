package io.github.dl4jpipeline.internal.layers;

import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * As a native operation, which oneDNN runs where it is compiled in. It takes as much memory again as its maps, and scratch
 * memory besides, and frees that at its end. The C library has no room in the heap of a thread for blocks of more than 64 MB:
 * those would come from the system each time, with pages that it has to clear. So large maps are convolved some examples at a
 * time, and gradients by many weights are computed for some output channels at a time.
 */
final class DirectConvolution implements ConvolutionCode {
    private static final long MOST_BYTES = 48 << 20;

    /** A thread's heap without the places that oneDNN leaves free: each of four arrays starts at a multiple of 2 MB. */
    private static final long MOST_SCRATCH = 55 << 20;

    private final long mostBytes;
    private final long mostScratch;

    DirectConvolution() {
        this(MOST_BYTES, MOST_SCRATCH);
    }

    /**
     * @param mostBytes size of input and output together that are convolved at once, unless it is one example's
     * @param mostScratch bytes of scratch memory that a backward pass may take at once
     */
    DirectConvolution(long mostBytes, long mostScratch) {
        this.mostBytes = mostBytes;
        this.mostScratch = mostScratch;
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
        BackwardParts parts =
                BackwardParts.of(weights, error, geometry, mostExamples(input, error.length()), mostScratch, threads());
        INDArray wanted = gradients.input();
        INDArray weightSum = Objects.requireNonNull(gradients.weights());
        INDArray biasSum = gradients.bias();
        Rows.Range mostOutputs = parts.outputs().get(0);
        boolean needsToAdd = add || parts.examples().size() > 1;
        INDArray toAdd = needsToAdd ? scratch(mostOutputs.of(weightSum), workspaces) : null;
        INDArray toAddToBias = needsToAdd && biasSum != null ? scratch(ofBias(biasSum, mostOutputs), workspaces) : null;
        boolean needsSpare = wanted == null || parts.outputs().size() > 1;
        INDArray spare = needsSpare ? scratch(parts.examples().get(0).of(input), workspaces) : null;
        boolean adding = add;
        for (Rows.Range some : parts.examples()) {
            INDArray spareOfSome = spare == null ? null : Rows.of(spare, 0, some.size());
            INDArray ofInput = wanted == null ? spareOfSome : some.of(wanted);
            for (Rows.Range outputs : parts.outputs()) {
                INDArray byOutputs = outputs.from() == 0 ? ofInput : spareOfSome;
                INDArray ofWeights = outputs.of(weightSum);
                INDArray ofBias = biasSum == null ? null : ofBias(biasSum, outputs);
                Gradients ofPart = adding
                        ? new Gradients(byOutputs, toAdd, toAddToBias)
                        : new Gradients(byOutputs, ofWeights, ofBias);
                INDArray errorOfPart = outputs.of(some.of(delta), geometry.channelDimension());
                backward(some.of(from), outputs.of(weights), errorOfPart, ofPart, geometry);
                if (adding) {
                    ofWeights.addi(toAdd);
                    if (ofBias != null) {
                        ofBias.addi(toAddToBias);
                    }
                }
                if (byOutputs != ofInput) { // the same also if nothing needs it
                    ofInput.addi(byOutputs);
                }
            }
            adding = true;
        }
    }

    private static INDArray ofBias(INDArray bias, Rows.Range outputs) {
        return outputs.of(bias, bias.rank() - 1);
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
        return Rows.parts(input.size(0), mostExamples(input, outputLength));
    }

    /** Of an operation that this thread runs. */
    private static int threads() {
        return NativeOpsHolder.getInstance().getDeviceNativeOps().ompGetMaxThreads();
    }

    private long mostExamples(INDArray input, long outputLength) {
        if (!Nd4j.getEnvironment().isCPU()) {
            return input.size(0);
        }
        long bytesOfExample = (input.length() + outputLength)
                / input.size(0)
                * input.dataType().width();
        return Math.max(1, mostBytes / bytesOfExample);
    }

    /** The operation always writes all gradients, over what is there. */
    private static INDArray scratch(INDArray like, LayerWorkspaceMgr workspaces) {
        return workspaces.createUninitialized(ArrayType.BP_WORKING_MEM, like.dataType(), like.shape(), 'c');
    }
}
