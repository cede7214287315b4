package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.MulOp;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Sums over all but the channels, and sums and products with a value for each channel, of arrays in row-major order.
 *
 * <p>Where the channels come after the examples, arrays are seen as {@code [examples, channels, rest]}, where they come
 * last, as {@code [rest, channels]}: ND4J's broadcasts are fastest over few dimensions. Floats in the host's memory are added
 * up in Java, by {@link LaneSum}; ND4J's reductions take longer and lose more to rounding. Other sums are products with ones,
 * which take a quarter of the time of ND4J's reductions.
 *
 * @param axis the dimension of the channels
 * @param workspaces where arrays are created
 * @param memory the type of those that are needed for a moment
 */
record ChannelMath(int axis, LayerWorkspaceMgr workspaces, ArrayType memory) {
    /** Rows for which ND4J's reduction is faster than a product with ones are shorter than this. */
    private static final int SHORT_ROW = 16;

    private INDArray scratch(INDArray like) {
        return workspaces.createUninitialized(memory, like.dataType(), like.shape(), 'c');
    }

    /** The array with its elements one after another in row-major order: itself where it is so already. */
    INDArray inOrder(INDArray array) {
        boolean inOrder = array.ordering() == 'c' && Shape.hasDefaultStridesForShape(array);
        return inOrder ? array : workspaces.dup(memory, array, 'c');
    }

    /** The sum of each channel. */
    double[] sum(INDArray array) {
        int channels = (int) array.size(axis);
        if (runsInJava(array)) {
            double[] sums = new double[channels];
            ChannelLoop.sum(sums).run(array, null, channels, null);
            return sums;
        }
        if (isLast(array) && HostFloats.are(array)) {
            return ChannelValues.sum(array, channels);
        }
        if (isLast(array)) {
            INDArray matrix = array.reshape('c', array.length() / channels, channels);
            return ChannelValues.of(product(ones(matrix, matrix.size(0)), matrix, vector(matrix, channels)));
        }
        long rows = array.size(0) * channels;
        return ChannelValues.sum(sumOfRows(array.reshape('c', rows, array.length() / rows)), channels);
    }

    /** Writes the difference of an array and a value for each channel to {@code result}, and returns the sums of its squares. */
    double[] minusAndSquare(INDArray array, double[] ofChannel, INDArray result) {
        if (runsInJava(array, result)) {
            double[] squares = new double[ofChannel.length];
            ChannelLoop.subtractAndSquare(ofChannel, squares).run(array, null, ofChannel.length, result);
            return squares;
        }
        return sumOfProducts(minus(array, ofChannel, result), result);
    }

    /** Sums over each channel, of an array and of its products with another. */
    static final class Sums {
        /** Of the products. */
        final double[] products;

        /** Of the other array. */
        final double[] others;

        private Sums(double[] products, double[] others) {
            this.products = products;
            this.others = others;
        }
    }

    /**
     * Writes the difference of an array and a value for each channel to {@code result}. Returns the sums of its
     * products with another array, and the sums of that other array.
     */
    Sums minusAndMultiply(INDArray array, double[] ofChannel, INDArray others, INDArray result) {
        if (runsInJava(array, others, result)) {
            Sums sums = new Sums(new double[ofChannel.length], new double[ofChannel.length]);
            ChannelLoop.subtractAndMultiply(ofChannel, sums.products, sums.others)
                    .run(array, others, ofChannel.length, result);
            return sums;
        }
        return new Sums(sumOfProducts(minus(array, ofChannel, result), others), sum(others));
    }

    private double[] sumOfProducts(INDArray array, INDArray others) {
        INDArray products = scratch(array);
        Nd4j.exec(new MulOp(array, others, products));
        return sum(products);
    }

    private INDArray sumOfRows(INDArray matrix) {
        INDArray sums = vector(matrix, matrix.size(0));
        if (matrix.size(1) < SHORT_ROW) {
            return matrix.sum(sums, 1);
        }
        return product(matrix, ones(matrix, matrix.size(1)), sums);
    }

    private static INDArray product(INDArray left, INDArray right, INDArray result) {
        NativeOp.run("matmul", new INDArray[] {left, right}, new INDArray[] {result});
        return result;
    }

    /** Writes the difference of an array and a value for each channel to {@code result}, and returns it. */
    INDArray minus(INDArray array, double[] ofChannel, INDArray result) {
        if (runsInJava(array, result)) {
            ChannelLoop.subtract(ofChannel).run(array, null, ofChannel.length, result);
            return result;
        }
        return broadcast("subtract", array, ofChannel, result);
    }

    /** Multiplies an array with one value for each channel and adds another, in place. */
    INDArray multiplyAndAdd(INDArray array, double[] factors, double[] summands) {
        if (runsInJava(array)) {
            ChannelLoop.multiplyAndAdd(factors, summands).run(array, null, factors.length, array);
            return array;
        }
        broadcast("multiply", array, factors, array);
        return broadcast("add", array, summands, array);
    }

    /**
     * Makes {@code (array * factor + other - subtrahend) * scale} of an array, in place, with a factor, subtrahend and scale
     * for each channel.
     *
     * @param others an array of the same shape
     */
    INDArray combine(INDArray array, double[] factors, INDArray others, double[] subtrahends, double[] scales) {
        if (runsInJava(array, others)) {
            ChannelLoop.combine(factors, subtrahends, scales).run(array, others, factors.length, array);
            return array;
        }
        broadcast("multiply", array, factors, array).addi(others);
        broadcast("subtract", array, subtrahends, array);
        return broadcast("multiply", array, scales, array);
    }

    private boolean runsInJava(INDArray... arrays) {
        return !isLast(arrays[0]) && HostFloats.are(arrays);
    }

    private INDArray broadcast(String op, INDArray array, double[] ofChannel, INDArray result) {
        INDArray vector = folded(vector(array, ofChannel), array);
        NativeOp.run(op, new INDArray[] {folded(array), vector}, new INDArray[] {folded(result)});
        return result;
    }

    private INDArray folded(INDArray array) {
        long channels = array.size(axis);
        return isLast(array)
                ? array.reshape('c', array.length() / channels, channels)
                : array.reshape('c', array.size(0), channels, array.length() / (array.size(0) * channels));
    }

    private INDArray folded(INDArray ofChannel, INDArray array) {
        long channels = ofChannel.length();
        return isLast(array) ? ofChannel.reshape('c', 1, channels) : ofChannel.reshape('c', 1, channels, 1);
    }

    private boolean isLast(INDArray array) {
        return axis == array.rank() - 1;
    }

    private INDArray ones(INDArray like, long length) {
        return ChannelValues.fill(vector(like, length), 1);
    }

    private INDArray vector(INDArray like, double[] values) {
        return ChannelValues.write(values, vector(like, values.length));
    }

    private INDArray vector(INDArray like, long length) {
        return workspaces.createUninitialized(memory, like.dataType(), length);
    }
}
