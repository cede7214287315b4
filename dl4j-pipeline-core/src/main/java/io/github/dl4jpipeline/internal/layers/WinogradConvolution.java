package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Computes the forward pass of a 3x3 convolution as the input gradient of another one. The other one's weights are
 * the same with the kernel mirrored and inputs and outputs swapped.
 *
 * <p>oneDNN computes input gradients with Winograd's algorithm (Lavin and Gray, "Fast Algorithms for Convolutional
 * Neural Networks", 2015), which takes a quarter of the multiplications. For forward passes it prefers a direct
 * algorithm.
 *
 * <p>The following run as {@link DirectConvolution}: types other than float; batches of a few examples, for which
 * oneDNN has no Winograd's algorithm; and maps that are not square, since the native operation takes their width for
 * their height.
 */
final class WinogradConvolution implements ForwardConvolution {
    private static final int LEAST_EXAMPLES = 16;
    private static final int SIDE = 3;
    private static final int PLACES = SIDE * SIDE;

    private final DirectConvolution direct = new DirectConvolution();
    private @Nullable INDArray mirror;
    private @Nullable INDArray outputShape;

    static boolean canRun(ConvolutionGeometry geometry) {
        return geometry.isChannelsFirst()
                && ConvolutionGeometry.isAll(geometry.kernel(), SIDE)
                && ConvolutionGeometry.isAll(geometry.stride(), 1)
                && ConvolutionGeometry.isAll(geometry.dilation(), 1)
                && geometry.padding()[0] < SIDE
                && geometry.padding()[1] < SIDE;
    }

    @Override
    public void forward(
            INDArray input,
            INDArray weights,
            @Nullable INDArray bias,
            INDArray output,
            ConvolutionGeometry geometry,
            LayerWorkspaceMgr workspaces) {
        if (input.dataType() != DataType.FLOAT || input.size(0) < LEAST_EXAMPLES || input.size(2) != input.size(3)) {
            direct.forward(input, weights, bias, output, geometry, workspaces);
            return;
        }
        ChannelMath math = new ChannelMath(1, workspaces, ArrayType.FF_WORKING_MEM);
        long outputs = weights.size(0);
        long inputs = weights.size(1);
        INDArray mirrored = workspaces.createUninitialized(
                ArrayType.FF_WORKING_MEM, DataType.FLOAT, new long[] {outputs * inputs, PLACES}, 'c');
        INDArray rows = weights.reshape('c', outputs * inputs, PLACES);
        NativeOp.run("matmul", new INDArray[] {rows, mirror()}, new INDArray[] {mirrored});
        int[] before = geometry.paddingBefore(input);
        NativeOp.run(
                "deconv2d_tf",
                new INDArray[] {
                    shapeOf(output),
                    mirrored.reshape('c', outputs, inputs, SIDE, SIDE).permute(2, 3, 0, 1),
                    math.inOrder(input) // the operation fails on some views
                },
                new INDArray[] {output},
                SIDE,
                SIDE,
                1,
                1,
                SIDE - 1 - before[0],
                SIDE - 1 - before[1],
                1,
                1,
                0,
                0);
        if (bias != null) {
            math.add(output, ChannelValues.of(bias));
        }
    }

    /** A matrix that turns round rows of the places of a kernel. */
    private INDArray mirror() {
        INDArray made = mirror;
        if (made == null) {
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                made = Nd4j.zeros(DataType.FLOAT, PLACES, PLACES);
                for (int place = 0; place < PLACES; place++) {
                    made.putScalar(place, PLACES - 1 - place, 1);
                }
                mirror = made;
            }
        }
        return made;
    }

    /** The shape as an array, which is the same from call to call but for the last, smaller batch. */
    private INDArray shapeOf(INDArray output) {
        INDArray shape = outputShape;
        if (shape == null
                || shape.getLong(0) != output.size(0)
                || shape.getLong(2) != output.size(2)
                || shape.getLong(3) != output.size(3)) {
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                shape = Nd4j.createFromArray(
                        (int) output.size(0), (int) output.size(1), (int) output.size(2), (int) output.size(3));
                outputShape = shape;
            }
        }
        return shape;
    }
}
