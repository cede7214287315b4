package io.github.dl4jpipeline.internal.layers;

import java.util.Map;
import java.util.function.Function;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * One dense layer for micro-batches that run at the same time. Each thread multiplies the rows of all micro-batches
 * by its share of the weights' columns. So weights and their gradients pass through memory once in a step instead of
 * once for each micro-batch, and no gradients are added up afterwards. Method: Krizhevsky, "One weird trick for
 * parallelizing convolutional neural networks", 2014.
 */
public final class JointDense {
    private final MicroBatchBarrier together;
    private final DataType type;
    private final long inputs;
    private final long outputs;

    /** The rows of all micro-batches. */
    private @Nullable INDArray input;

    /** By share, the rows of all with its columns: output and error. Share after share in one vector. */
    private @Nullable INDArray output;

    private @Nullable INDArray delta;

    /** By share, what it contributes to the errors of all rows. */
    private @Nullable INDArray inputError;

    /** @param weights those of the layers that are connected, {@code [inputs, outputs]} */
    public JointDense(MicroBatchBarrier together, INDArray weights) {
        this.together = together;
        type = weights.dataType();
        inputs = weights.rows();
        outputs = weights.columns();
    }

    /** Whether the step has several micro-batches, which have one array for the sum of their gradients. */
    boolean isShared() {
        return together.count() > 1;
    }

    /** Whether a micro-batch is computed together with others: not so if it is alone, or does not have a row an example. */
    boolean takes(int microBatch, INDArray rows) {
        return isShared() && rows.size(0) == together.part(microBatch).size();
    }

    /** Has memory for a batch. */
    public void reserve(int shares, long examples) {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            input = atLeast(input, examples * inputs);
            output = atLeast(output, examples * outputs);
            delta = atLeast(delta, examples * outputs);
            inputError = atLeast(inputError, shares * examples * inputs);
        }
    }

    private INDArray atLeast(@Nullable INDArray array, long length) {
        if (array != null && !array.wasClosed() && array.length() >= length) {
            return array;
        }
        if (array != null) {
            array.close();
        }
        return Nd4j.createUninitialized(type, length);
    }

    /** {@code rows · weights + bias} of one micro-batch, among the activations. */
    INDArray output(
            int microBatch, INDArray rows, INDArray weights, @Nullable INDArray bias, LayerWorkspaceMgr workspaces) {
        rowsOf(microBatch, all(input, 0, inputs)).assign(rows);
        together.await(microBatch);
        NativeOp.run("matmul", new INDArray[] {all(input, 0, inputs), columns(weights, microBatch)}, new INDArray[] {
            share(output, microBatch)
        });
        together.await(microBatch);
        INDArray own =
                workspaces.createUninitialized(ArrayType.ACTIVATIONS, type, new long[] {rows.size(0), outputs}, 'c');
        for (int share = 0; share < together.count(); share++) {
            columns(own, share).assign(rowsOf(microBatch, share(output, share)));
        }
        return bias == null ? own : own.addiRowVector(bias);
    }

    /**
     * The error of one micro-batch's rows, in memory of this layer until its next step. Writes this thread's share of the
     * gradients of all micro-batches, added up.
     *
     * @param error gradient by the pre-activation
     * @param gradients the views that all threads write to
     */
    INDArray backward(int microBatch, INDArray error, INDArray weights, Map<String, INDArray> gradients) {
        writeGradient(microBatch, error, gradients);
        NativeOp.run(
                "matmul",
                new INDArray[] {share(delta, microBatch), columns(weights, microBatch)},
                new INDArray[] {ofShare(inputError, microBatch)},
                0,
                1);
        together.await(microBatch);
        INDArray sum = rowsOf(microBatch, ofShare(inputError, 0));
        for (int share = 1; share < together.count(); share++) {
            sum.addi(rowsOf(microBatch, ofShare(inputError, share)));
        }
        return sum;
    }

    /** The same without the error of the rows. */
    void writeGradient(int microBatch, INDArray error, Map<String, INDArray> gradients) {
        for (int share = 0; share < together.count(); share++) {
            rowsOf(microBatch, share(delta, share)).assign(columns(error, share));
        }
        together.await(microBatch);
        INDArray own = share(delta, microBatch);
        INDArray bias = gradients.get(DefaultParamInitializer.BIAS_KEY);
        if (bias != null) {
            own.sum(columns(bias.reshape(1, outputs), microBatch).reshape(own.size(1)), 0);
        }
        INDArray ofWeights = columns(gradients.get(DefaultParamInitializer.WEIGHT_KEY), microBatch);
        NativeOp.run(
                "matmul", new INDArray[] {own, all(input, 0, inputs)}, new INDArray[] {ofWeights.transpose()}, 1, 0);
    }

    /**
     * Lets one micro-batch after the other write its gradients, where they are not computed together.
     *
     * @param gradient writes those of this micro-batch, given whether to add them to those that are there
     */
    Gradient inTurn(int microBatch, Function<Boolean, Gradient> gradient) {
        for (int turn = 0; turn < microBatch; turn++) {
            together.await(microBatch);
        }
        Gradient own = gradient.apply(microBatch > 0);
        for (int turn = microBatch; turn < together.count() - 1; turn++) {
            together.await(microBatch);
        }
        return own;
    }

    private long firstColumn(int share) {
        return outputs * share / together.count();
    }

    private INDArray columns(INDArray array, int share) {
        return array.get(NDArrayIndex.all(), NDArrayIndex.interval(firstColumn(share), firstColumn(share + 1)));
    }

    private INDArray share(INDArray array, int share) {
        long from = firstColumn(share);
        return all(array, together.examples() * from, firstColumn(share + 1) - from);
    }

    private INDArray ofShare(INDArray array, int share) {
        return all(array, together.examples() * inputs * share, inputs);
    }

    private INDArray all(INDArray array, long from, long columns) {
        long rows = together.examples();
        return array.get(NDArrayIndex.interval(from, from + rows * columns)).reshape('c', rows, columns);
    }

    private INDArray rowsOf(int microBatch, INDArray ofAll) {
        Rows.Range part = together.part(microBatch);
        return Rows.of(ofAll, part.from(), part.to());
    }

    public long bytes() {
        return input == null
                ? 0
                : (input.length() + output.length() + delta.length() + inputError.length()) * type.width();
    }

    public void close() {
        for (INDArray array : new INDArray[] {input, output, delta, inputError}) {
            if (array != null) {
                array.close();
            }
        }
        input = null;
        output = null;
        delta = null;
        inputError = null;
    }
}
