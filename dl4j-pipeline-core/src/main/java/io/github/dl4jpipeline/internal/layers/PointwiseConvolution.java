package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A convolution of one place, as a product of matrices: every output depends on the one input at its place. For input
 * with channels first.
 *
 * <p>The channels of an example are the rows of a matrix as they lie in memory, so a product for each example needs
 * no copy. This is fastest for large maps. Small maps make small products; there {@link UnfoldedConvolution} has one
 * product for all examples.
 */
final class PointwiseConvolution implements ConvolutionCode {
    private static final long LEAST_PLACES_FORWARD = 144;
    private static final long LEAST_PLACES_BACKWARD = 1024;

    private final UnfoldedConvolution together = new UnfoldedConvolution();

    @Override
    public void forward(
            INDArray input,
            INDArray weights,
            @Nullable INDArray bias,
            INDArray output,
            ConvolutionGeometry geometry,
            LayerWorkspaceMgr workspaces) {
        if (places(input) < LEAST_PLACES_FORWARD) {
            together.forward(input, weights, bias, output, geometry, workspaces);
            return;
        }
        ChannelMath math = new ChannelMath(1, workspaces, ArrayType.FF_WORKING_MEM);
        INDArray from = math.inOrder(input);
        INDArray matrix = Unfolding.rows(weights);
        for (long example = 0; example < from.size(0); example++) {
            NativeOp.run("matmul", new INDArray[] {matrix, ofExample(from, example)}, new INDArray[] {
                ofExample(output, example)
            });
        }
        if (bias != null) {
            math.add(output, ChannelValues.of(bias));
        }
    }

    @Override
    public boolean computesInputAlone() {
        return true;
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
        if (places(input) < LEAST_PLACES_BACKWARD) {
            together.backward(input, weights, error, gradients, add, geometry, workspaces);
            return;
        }
        ChannelMath math = new ChannelMath(1, workspaces, ArrayType.BP_WORKING_MEM);
        INDArray delta = math.inOrder(error);
        if (gradients.weights() != null) {
            byWeights(Unfolding.rows(gradients.weights()), math.inOrder(input), delta, add);
        }
        if (gradients.input() != null) {
            byInput(gradients.input(), Unfolding.rows(weights), delta);
        }
        if (gradients.bias() != null) {
            math.sum(delta, gradients.bias(), add);
        }
    }

    private static void byWeights(INDArray sum, INDArray from, INDArray delta, boolean add) {
        for (long example = 0; example < from.size(0); example++) {
            NativeOp.byTransposed(ofExample(delta, example), ofExample(from, example), sum, add || example > 0);
        }
    }

    private static void byInput(INDArray result, INDArray matrix, INDArray delta) {
        for (long example = 0; example < delta.size(0); example++) {
            INDArray[] factors = {matrix, ofExample(delta, example)};
            NativeOp.run("matmul", factors, new INDArray[] {ofExample(result, example)}, 1, 0);
        }
    }

    private static long places(INDArray maps) {
        return maps.size(2) * maps.size(3);
    }

    /** A row for each channel. */
    private static INDArray ofExample(INDArray maps, long example) {
        return Rows.of(maps, example, example + 1).reshape('c', maps.size(1), places(maps));
    }
}
