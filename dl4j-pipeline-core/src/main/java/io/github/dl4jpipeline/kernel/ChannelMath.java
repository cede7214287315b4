package io.github.dl4jpipeline.kernel;

import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Sums and affine functions by channel. ND4J's own reductions and broadcasts over inner dimensions take several times as
 * long as matrix products and the native batch normalization.
 *
 * @param axis the dimension of the channels: the last, or the one after the examples
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

    /** Writes the sum of each channel to {@code sum}, {@code [channels]}. */
    INDArray sum(INDArray array, INDArray sum) {
        long channels = array.size(axis);
        if (axis == array.rank() - 1) {
            long rows = array.length() / channels;
            INDArray matrix = array.reshape('c', rows, channels);
            Nd4j.gemm(matrix, ones(array, rows), sum.reshape('f', channels, 1), true, false, 1, 0);
            return sum;
        }
        long examples = array.size(0);
        long area = array.length() / examples / channels;
        INDArray matrix = array.reshape('c', examples * channels, area);
        INDArray sums = workspaces.createUninitialized(memory, array.dataType(), new long[] {matrix.size(0), 1}, 'f');
        Nd4j.gemm(matrix, ones(array, area), sums, false, false, 1, 0);
        return sums.reshape('c', examples, channels).sum(sum, 0);
    }

    private INDArray ones(INDArray like, long length) {
        return workspaces
                .createUninitialized(memory, like.dataType(), new long[] {length, 1}, 'f')
                .assign(1);
    }

    /** Writes {@code scale * (array - mean) / sqrt(variance + epsilon) + shift}; all but the arrays are by channel. */
    void affine(
            INDArray array,
            INDArray mean,
            INDArray variance,
            double epsilon,
            INDArray scale,
            INDArray shift,
            INDArray result) {
        NativeOp.run("batchnorm", new INDArray[] {array, mean, variance, scale, shift}, result, epsilon, 1, 1, axis);
    }
}
