package io.github.dl4jpipeline.kernel;

import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.reduce.floating.Norm2;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Sums over all but the channels, and sums and products with a value for each channel, of arrays in row-major order.
 *
 * <p>Works on matrices: with a row for each image and channel where the channels come after the examples, with a column
 * for each channel where they come last. ND4J's reductions and broadcasts over inner dimensions of the arrays themselves
 * take several times as long.
 *
 * @param axis the dimension of the channels
 * @param workspaces where arrays are created
 * @param memory the type of those that are needed for a moment
 */
record ChannelMath(int axis, LayerWorkspaceMgr workspaces, ArrayType memory) {

    /** An array for a moment, with the type and shape of another. */
    INDArray scratch(INDArray like) {
        return workspaces.createUninitialized(memory, like.dataType(), like.shape(), 'c');
    }

    /** The array with its elements one after another in row-major order: itself where it is so already. */
    INDArray inOrder(INDArray array) {
        boolean inOrder = array.ordering() == 'c' && Shape.hasDefaultStridesForShape(array);
        return inOrder ? array : workspaces.dup(memory, array, 'c');
    }

    /** Writes the sum of each channel to {@code sum}, {@code [channels]}, and returns it. */
    INDArray sum(INDArray array, INDArray sum) {
        INDArray matrix = matrix(array);
        if (isLast(array)) {
            return sumOfColumns(matrix, sum);
        }
        INDArray sums = vector(matrix, matrix.size(0));
        matrix.sum(sums, 1);
        return sumOfColumns(sums.reshape('c', array.size(0), sum.length()), sum);
    }

    /** Writes the sum of the squares of each channel to {@code sum}, {@code [channels]}, and returns it. */
    INDArray sumOfSquares(INDArray array, INDArray sum) {
        INDArray matrix = matrix(array);
        if (isLast(array)) {
            INDArray squares = scratch(matrix).assign(matrix);
            return sumOfColumns(squares.muli(squares), sum);
        }
        INDArray norms = vector(matrix, matrix.size(0));
        Nd4j.exec(new Norm2(matrix, norms, 1));
        norms.muli(norms);
        return sumOfColumns(norms.reshape('c', array.size(0), sum.length()), sum);
    }

    private INDArray sumOfColumns(INDArray matrix, INDArray sum) {
        INDArray column = sum.reshape('f', sum.length(), 1);
        Nd4j.gemm(matrix, ones(matrix, matrix.size(0)), column, true, false, 1, 0);
        return sum;
    }

    /** Writes the sum of an array and a value for each channel to {@code result}, and returns it. */
    INDArray plus(INDArray array, INDArray ofChannel, INDArray result) {
        NativeOp.run("add", new INDArray[] {matrix(array), aligned(array, ofChannel)}, new INDArray[] {matrix(result)});
        return result;
    }

    /** Multiplies an array with a value for each channel, in place. */
    INDArray multiply(INDArray array, INDArray ofChannel) {
        INDArray vector = aligned(array, ofChannel);
        if (isLast(array)) {
            matrix(array).muliRowVector(vector);
        } else {
            matrix(array).muliColumnVector(vector);
        }
        return array;
    }

    /** A row or column of the matrix that has each channel's value where the channel is. */
    private INDArray aligned(INDArray array, INDArray ofChannel) {
        long channels = ofChannel.length();
        if (isLast(array)) {
            return ofChannel.reshape('c', 1, channels);
        }
        long examples = array.size(0);
        if (examples == 1) {
            return ofChannel.reshape('c', channels, 1);
        }
        INDArray repeated = vector(array, examples * channels);
        Nd4j.gemm(
                ofChannel.reshape('c', channels, 1),
                ones(array, examples),
                repeated.reshape('f', channels, examples),
                false,
                true,
                1,
                0);
        return repeated.reshape('c', examples * channels, 1);
    }

    private boolean isLast(INDArray array) {
        return axis == array.rank() - 1;
    }

    private INDArray matrix(INDArray array) {
        long channels = array.size(axis);
        long rows = isLast(array) ? array.length() / channels : array.size(0) * channels;
        return array.reshape('c', rows, array.length() / rows);
    }

    private INDArray ones(INDArray like, long length) {
        return vector(like, length).assign(1).reshape('f', length, 1);
    }

    private INDArray vector(INDArray like, long length) {
        return workspaces.createUninitialized(memory, like.dataType(), length);
    }
}
