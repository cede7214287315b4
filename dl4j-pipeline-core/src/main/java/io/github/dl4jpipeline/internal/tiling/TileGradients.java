package io.github.dl4jpipeline.internal.tiling;

import io.github.dl4jpipeline.internal.stage.VertexRunner;
import java.util.Arrays;
import org.deeplearning4j.nn.gradient.Gradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The parameter gradients of the vertices of a lane, summed over its tiles. Vertices are indices in the region. */
final class TileGradients {
    private final VertexRunner[] runners;
    private final DataType type;
    private final @Nullable INDArray[] sums;

    /** Of one tile, for runners that cannot add to a sum. */
    private final @Nullable INDArray[] next;

    private final @Nullable Gradient[] last;

    TileGradients(VertexRunner[] runners, DataType type) {
        this.runners = runners;
        this.type = type;
        this.sums = new INDArray[runners.length];
        this.next = new INDArray[runners.length];
        this.last = new Gradient[runners.length];
    }

    /** Forgets the sums. */
    void begin() {
        Arrays.fill(last, null);
    }

    /** Before the backward pass of a vertex. */
    void bind(int vertex) {
        if (isTrained(vertex)) {
            boolean first = last[vertex] == null;
            INDArray[] targets = first || runners[vertex].addsGradients() ? sums : next;
            if (targets[vertex] == null) {
                targets[vertex] = Nd4j.createUninitializedDetached(
                        type, runners[vertex].vertex().numParams());
            }
            runners[vertex].bindGradients(targets[vertex], !first);
        }
    }

    /** After the backward pass of a vertex. */
    void add(int vertex) {
        if (isTrained(vertex)) {
            if (last[vertex] != null && !runners[vertex].addsGradients()) {
                sums[vertex].addi(next[vertex]);
            }
            last[vertex] = runners[vertex].gradient();
        }
    }

    private boolean isTrained(int vertex) {
        return runners[vertex].vertex().numParams() > 0;
    }

    /** The sum over all tiles since {@link #begin}; null if no tile has run the vertex, or it has no parameters. */
    @Nullable INDArray sum(int vertex) {
        return last[vertex] == null ? null : sums[vertex];
    }

    /** Names and orders of the parameters of a vertex that has a sum. */
    @Nullable Gradient names(int vertex) {
        return last[vertex];
    }

    /** Bytes reserved. */
    long bytes() {
        return bytes(sums) + bytes(next);
    }

    private static long bytes(@Nullable INDArray[] arrays) {
        long bytes = 0;
        for (INDArray array : arrays) {
            bytes += array == null ? 0 : array.length() * array.dataType().width();
        }
        return bytes;
    }
}
