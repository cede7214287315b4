package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What the kernel of a convolution reads for each output, as a matrix, and back. For arrays with channels first.
 *
 * <p>The columns take as many times the memory of the input as the kernel has places, but only for the moment. Copies of
 * shifted views make them faster than the native {@code im2col} does.
 *
 * @param workspaces where arrays are created
 * @param memory the type of those
 */
record Unfolding(ConvolutionGeometry geometry, LayerWorkspaceMgr workspaces, ArrayType memory) {
    private static final int[] EVERY = {1, 1};

    /** The matrix {@code [channels * kernel places, examples * output places]}. */
    INDArray columns(INDArray input) {
        if (geometry.isPointwise()) {
            return channels(input);
        }
        INDArray channels = swapped(input);
        int[] kernel = geometry.kernel();
        int[] output = geometry.outputSize(input);
        INDArray padded = padded(channels, geometry.paddingBefore(input), output);
        long examples = input.size(0);
        INDArray columns = array(input, channels.size(0), kernel[0], kernel[1], examples, output[0], output[1]);
        for (int y = 0; y < kernel[0]; y++) {
            for (int x = 0; x < kernel[1]; x++) {
                ofPlace(columns, y, x).assign(read(padded, y, x, output));
            }
        }
        return columns.reshape('c', channels.size(0) * kernel[0] * kernel[1], examples * output[0] * output[1]);
    }

    /** A copy of maps as the matrix {@code [channels, examples * places]}. */
    INDArray channels(INDArray maps) {
        INDArray channels = swapped(maps);
        return array(maps, channels.shape())
                .assign(channels)
                .reshape('c', channels.size(0), maps.length() / channels.size(0));
    }

    /** Writes a matrix {@code [channels, examples * places]} to maps. */
    void write(INDArray channels, INDArray maps) {
        maps.assign(swapped(channels.reshape('c', swapped(maps).shape())));
    }

    /**
     * Sums up what each output passes back to the inputs that it has read.
     *
     * @param delta the matrix {@code [outputs, examples * output places]}
     * @param output an array of the shape of the output
     * @param result the sums go here, an array of the shape of the input
     */
    void fold(INDArray weights, INDArray delta, INDArray output, INDArray result) {
        INDArray rows = rows(weights);
        if (geometry.isPointwise()) {
            INDArray product = array(result, rows.size(1), delta.size(1));
            NativeOp.run("matmul", new INDArray[] {rows, delta}, new INDArray[] {product}, 1, 0);
            write(product, result);
            return;
        }
        int[] kernel = geometry.kernel();
        // This order of dimensions is the one that the native operation is fast with.
        INDArray columns =
                array(result, output.size(0), output.size(2), output.size(3), weights.size(1), kernel[0], kernel[1]);
        INDArray product = columns.reshape('c', delta.size(1), rows.size(1));
        NativeOp.run("matmul", new INDArray[] {delta, rows}, new INDArray[] {product}, 1, 0);
        int[] before = geometry.paddingBefore(result);
        NativeOp.run(
                "col2im",
                new INDArray[] {columns.permute(0, 3, 4, 5, 1, 2)},
                new INDArray[] {result},
                geometry.stride()[0],
                geometry.stride()[1],
                before[0],
                before[1],
                (int) result.size(2),
                (int) result.size(3),
                geometry.dilation()[0],
                geometry.dilation()[1],
                0);
    }

    /** The view {@code [channels, examples, rows, columns]} of the columns for one place of the kernel. */
    private static INDArray ofPlace(INDArray columns, int y, int x) {
        long[] stride = columns.stride();
        long offset = columns.offset() + y * stride[1] + x * stride[2];
        long[] shape = {columns.size(0), columns.size(3), columns.size(4), columns.size(5)};
        long[] strides = {stride[0], stride[3], stride[4], stride[5]};
        return Nd4j.create(columns.data(), shape, strides, offset, 'c');
    }

    /** The view of what the outputs read of the padded input, for one place of the kernel. */
    private INDArray read(INDArray padded, int y, int x, int[] output) {
        int[] dilation = geometry.dilation();
        return view(padded, y * dilation[0], x * dilation[1], output, geometry.stride());
    }

    /** The input with zeros around it, as far as outputs reach. */
    private INDArray padded(INDArray channels, int[] before, int[] output) {
        long[] shape = channels.shape().clone();
        for (int axis = 0; axis < 2; axis++) {
            int reach = (output[axis] - 1) * geometry.stride()[axis]
                    + (geometry.kernel()[axis] - 1) * geometry.dilation()[axis]
                    + 1;
            shape[2 + axis] = Math.max(shape[2 + axis] + before[axis], reach);
        }
        INDArray padded = array(channels, shape).assign(0);
        int[] size = {(int) channels.size(2), (int) channels.size(3)};
        view(padded, before[0], before[1], size, EVERY).assign(channels);
        return padded;
    }

    /**
     * A view of every so many rows and columns of maps. ND4J's own {@code get} takes too many where it is to take one of
     * several.
     */
    private static INDArray view(INDArray maps, int row, int column, int[] size, int[] step) {
        long[] stride = maps.stride();
        long offset = maps.offset() + row * stride[2] + column * stride[3];
        long[] shape = {maps.size(0), maps.size(1), size[0], size[1]};
        long[] strides = {stride[0], stride[1], stride[2] * step[0], stride[3] * step[1]};
        return Nd4j.create(maps.data(), shape, strides, offset, 'c');
    }

    /** The weights {@code [outputs, inputs, height, width]} with a row for each output. */
    static INDArray rows(INDArray weights) {
        return weights.reshape('c', weights.size(0), weights.length() / weights.size(0));
    }

    /** The view with examples and channels swapped. */
    private static INDArray swapped(INDArray maps) {
        return maps.permute(1, 0, 2, 3);
    }

    /** An array in row-major order. */
    INDArray array(INDArray like, long... shape) {
        return workspaces.createUninitialized(memory, like.dataType(), shape, 'c');
    }
}
