package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.engine.GradientRows;
import io.github.dl4jpipeline.internal.engine.GradientTurn;
import io.github.dl4jpipeline.internal.layers.Moments;
import io.github.dl4jpipeline.internal.stage.BackwardResult;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Sums the parameter gradients of one replica of a stage over its micro-batches of a step, in the order of its backward
 * tasks.
 *
 * <p>Gradients that wait may be added by another worker, while a backward task of the stage runs.
 *
 * <p>The first micro-batch writes into the sum itself. Later ones add to it where the layer can; where it overwrites what
 * it finds, they write into an array of the same size, which is then added. Layers of the engine may leave rows to a later
 * micro-batch.
 */
final class StageGradients {
    /**
     * The gradients of one vertex.
     *
     * @param sum theirs
     * @param next where a micro-batch's go before they are added; null for the sum
     * @param rows what micro-batches leave to later ones, which add to the sum; null if they leave nothing
     */
    private record Slice(
            int position,
            INDArray sum,
            @Nullable INDArray next,
            @Nullable GradientRows rows) {}

    private final List<Slice> slices = new ArrayList<>();
    private final Map<Integer, RunningStatistics> statistics = new HashMap<>();
    private final Map<Integer, Gradient> sums = new TreeMap<>();

    /**
     * @param sums by position, where the sums go
     * @param copy holds the parameters, and says which vertices can add to their gradients
     * @param several whether it may have more than one micro-batch in a step
     */
    StageGradients(
            VertexGraph vertices,
            List<Integer> positions,
            List<@Nullable INDArray> sums,
            GraphCopy copy,
            boolean several) {
        for (int position : positions) {
            INDArray sum = sums.get(position);
            if (sum == null || !vertices.get(position).runsBackward()) {
                continue;
            }
            boolean apart = several && !copy.addsGradients(position);
            INDArray next = apart ? Nd4j.create(sum.dataType(), sum.length()) : null;
            slices.add(new Slice(position, sum, next, several && !apart ? new GradientRows() : null));
            if (copy.layer(position) instanceof BatchNormalization layer) {
                statistics.put(position, new RunningStatistics(layer));
            }
        }
    }

    /** A step begins. */
    void begin() {
        statistics.values().forEach(RunningStatistics::clear);
        sums.clear();
        eachRows(GradientRows::begin);
    }

    private void eachRows(Consumer<GradientRows> work) {
        slices.stream().map(Slice::rows).filter(Objects::nonNull).forEach(work);
    }

    /** Lets the layers of a copy write into the sum, or into the array that is to be added to it. */
    void bind(GraphCopy copy, GradientTurn turn) {
        for (Slice slice : slices) {
            boolean add = !turn.first() && slice.next() == null;
            copy.bindGradients(slice.position(), turn.first() || add ? slice.sum() : slice.next(), add);
            if (slice.rows() != null) {
                copy.gather(slice.position(), slice.rows(), turn);
            }
        }
    }

    /** Lets the layers of a copy know the sums as their gradients. */
    void bindSums(GraphCopy copy) {
        slices.forEach(slice -> copy.bindGradients(slice.position(), slice.sum(), false));
    }

    /** Bytes of what micro-batches leave to later ones. */
    long bytesOfRows() {
        return slices.stream()
                .map(Slice::rows)
                .filter(Objects::nonNull)
                .mapToLong(GradientRows::bytes)
                .sum();
    }

    /** Frees that memory; the next step takes it anew. */
    void freeRows() {
        eachRows(GradientRows::close);
    }

    /** Frees the arrays besides the sums. */
    void close() {
        freeRows();
        for (Slice slice : slices) {
            if (slice.next() != null) {
                slice.next().close();
            }
        }
    }

    /** Adds what a backward task has left since {@link #bind}. */
    synchronized void add(BackwardResult result, boolean first, long examples) {
        add(result.gradients(), first);
        for (Map.Entry<Integer, Moments> entry : result.moments().entrySet()) {
            statistics.get(entry.getKey()).add(entry.getValue(), examples);
        }
    }

    /** The same for what a backward task has left to another. */
    synchronized void add(Map<Integer, Gradient> written, boolean first) {
        if (first) {
            written.forEach((position, gradient) -> {
                if (!gradient.gradientForVariable().isEmpty() || !sums.containsKey(position)) {
                    sums.put(position, gradient);
                }
            });
            return;
        }
        for (Slice slice : slices) {
            Gradient gradient = written.get(slice.position());
            boolean isWritten =
                    gradient != null && !gradient.gradientForVariable().isEmpty();
            if (isWritten && slice.next() != null) {
                slice.sum().addi(slice.next());
            }
        }
    }

    /** By position, what the layers have returned: views of the sums. */
    Map<Integer, Gradient> sums() {
        return sums;
    }

    /** Makes the changes of running statistics 0, so that they add nothing to those of another replica. */
    void clearStatistics() {
        statistics.keySet().stream()
                .map(sums::get)
                .filter(Objects::nonNull)
                .forEach(gradient -> Moments.clearChanges(gradient.gradientForVariable()));
    }

    /**
     * Writes the changes of running statistics over all micro-batches of the stage, at the end of the step.
     *
     * @param others what its other replicas have
     */
    void writeStatistics(List<StageGradients> others) {
        statistics.forEach((position, ofVertex) -> {
            others.forEach(other -> ofVertex.add(other.statistics.get(position)));
            if (sums.containsKey(position)) {
                ofVertex.write(sums.get(position).gradientForVariable());
            }
        });
    }
}
