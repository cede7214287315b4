package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.SharedGradient;
import io.github.dl4jpipeline.internal.onednn.Slot;
import io.github.dl4jpipeline.internal.onednn.WinogradGradient;
import io.github.dl4jpipeline.internal.onednn.WinogradSum;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * What the micro-batches of a step have left for the parameter gradients of one vertex, in one replica of its stage. Where the vertex
 * is a product of matrices, or a convolution by oneDNN's own Winograd algorithm, examples of several micro-batches lie side by side here
 * until one operation gives the gradient of all. Weight gradients are large, and each further operation would pass them through memory
 * again. Where it is a convolution by our Winograd algorithm, the sum over several micro-batches stays here in transformed form, and the
 * last one transforms it back.
 *
 * <p>How many examples are gathered follows from the micro-batches alone. Rows take at most as much memory as the gradient, maps and a
 * transformed sum four times as much. One thread at a
 * time uses it; {@link #bytes} may be asked by any.
 */
public final class GradientRows implements AutoCloseable {
    private final ByLayout<Shared> operations = new ByLayout<>();

    private @Nullable SharedGradient operation;
    private @Nullable INDArray inputs;
    private @Nullable INDArray errors;
    private @Nullable WinogradSum transformed;
    private @Nullable INDArray sum;
    private boolean hasSum;
    private volatile long bytes;

    /** How many there are, and may be. */
    private long rows;

    private long most;
    private boolean written;

    /** The gradient of all that is gathered. */
    record Shared(Primitive gradient, Layout weights) implements AutoCloseable {
        @Override
        public void close() {
            gradient.close();
        }
    }

    /** A step begins. */
    public void begin() {
        rows = 0;
        hasSum = false;
        written = false;
    }

    /** Whether gradients of this step have been written where they are summed, so that others must be added. */
    public boolean isWritten() {
        return written;
    }

    /** Gradients of this step are written. */
    public void write() {
        written = true;
    }

    boolean isEmpty() {
        return rows == 0 && !hasSum;
    }

    /** Whether examples are left for this kind of operation. */
    boolean hasExamplesOf(Class<? extends SharedGradient> kind) {
        return rows > 0 && kind.isInstance(operation);
    }

    /** Whether the examples of another micro-batch can lie beside those that are there. */
    boolean hasRoomFor(SharedGradient next) {
        return rows > 0 && operation != null && operation.joins(next) && rows + next.examples() <= most;
    }

    /**
     * Takes the examples of a micro-batch, for which there is room where others are.
     *
     * @param next the operation that they would have alone
     * @return false if that is what they should have
     */
    boolean take(SharedGradient next, INDArray input, INDArray error, GradientTurn turn) {
        if (isEmpty()) {
            long allowed = next.mostExamples();
            if (turn.last() || allowed < 2 * next.examples()) {
                return false;
            }
            most = Math.min(allowed, next.examples() * (turn.examples() + turn.later()) / turn.examples());
            inputs = reserve(inputs, most * next.inputs());
            errors = reserve(errors, most * next.outputs());
            bytes = (inputs.length() + errors.length()) * Float.BYTES;
        }
        operation = next;
        put(input, inputs, next.inputs(), next.examples());
        put(error, errors, next.outputs(), next.examples());
        rows += next.examples();
        return true;
    }

    private void put(INDArray from, @Nullable INDArray to, long width, long count) {
        if (to == null) {
            throw new IllegalStateException("No memory for rows");
        }
        to.get(NDArrayIndex.interval(rows * width, (rows + count) * width))
                .assign(from.reshape(from.length()).get(NDArrayIndex.interval(0, count * width)));
    }

    /** The gradient of all examples, with what it reads; none are left then. */
    Shared takeGradient() {
        SharedGradient own = operation;
        if (own == null || inputs == null || errors == null) {
            throw new IllegalStateException("There are no examples");
        }
        long count = rows;
        Shared shared = operations.get(Layout.rowMajor(count, own.inputs(), own.outputs()), layout -> {
            SharedGradient all = own.ofExamples(count);
            return new Shared(all.gradient(), all.gradientWeights());
        });
        if (shared == null) {
            throw new IllegalStateException("oneDNN has no gradient of " + count + " examples");
        }
        rows = 0;
        shared.gradient().with(Slot.INPUT, inputs).with(Slot.OUTPUT_ERROR, errors);
        return shared;
    }

    /**
     * Adds the gradient of a micro-batch to a sum in transformed form.
     *
     * @return false if no other micro-batch comes, so that it need not be left
     */
    boolean add(WinogradPasses passes, INDArray input, INDArray error, GradientTurn turn, Space space) {
        if (!hasSum && turn.last()) {
            return false;
        }
        if (transformed == null) {
            transformed = passes.sum();
        }
        sum = reserve(sum, transformed.floats());
        bytes = sum.length() * Float.BYTES;
        WinogradGradient pass = passes.gradient();
        pass.sum(input, error, sum, hasSum, space.work(pass.workFloats()));
        hasSum = true;
        return true;
    }

    /** Whether a sum in transformed form is left, instead of rows. */
    boolean hasSum() {
        return hasSum;
    }

    /**
     * Writes that sum; nothing is left then.
     *
     * @param view the weights' gradient
     * @param ofBias where the bias' gradient is written; null if there is none
     * @param add whether the weights' gradient is added to what is there
     */
    void writeSum(INDArray view, @Nullable INDArray ofBias, boolean add, Space space) {
        if (transformed == null || sum == null) {
            throw new IllegalStateException("There is no sum");
        }
        transformed.write(sum, view, add, ofBias, space.work(transformed.workFloats()));
        hasSum = false;
    }

    private static INDArray reserve(@Nullable INDArray known, long floats) {
        if (known != null && known.length() >= floats) {
            return known;
        }
        if (known != null) {
            known.close();
        }
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            return Nd4j.createUninitialized(DataType.FLOAT, floats);
        }
    }

    /** Bytes reserved. */
    public long bytes() {
        return bytes;
    }

    /** Frees the memory, which the next step takes anew; no task may run. */
    @Override
    public void close() {
        for (INDArray array : new INDArray[] {inputs, errors, sum}) {
            if (array != null) {
                array.close();
            }
        }
        inputs = null;
        errors = null;
        sum = null;
        bytes = 0;
        begin();
        operations.close();
        if (transformed != null) {
            transformed.close();
            transformed = null;
        }
    }
}
