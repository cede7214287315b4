package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.engine.Space;
import io.github.dl4jpipeline.internal.engine.Value;
import io.github.dl4jpipeline.internal.layers.Rows;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.gradient.Gradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs the last vertices of a stage for a group of micro-batches, in a copy of the graph of its own. What these vertices read is put
 * side by side, and the errors of that are cut again.
 */
public final class GroupRunner {
    private final StageRunner runner;
    private final StageScratch scratch;

    /** Positions of the vertices of whose output they read. */
    private final List<Integer> read;

    /**
     * @param stage the number by which {@link GroupMemory} and the memory of micro-batches know these vertices
     * @param positions the vertices, in topological order
     * @param scratch working memory of the stage
     */
    public GroupRunner(VertexGraph vertices, int stage, List<Integer> positions, StageScratch scratch) {
        this(
                new StageRunner(stage, positions, scratch, false),
                scratch,
                positions.stream()
                        .flatMap(position -> vertices.get(position).inputs().stream())
                        .filter(input -> !positions.contains(input))
                        .distinct()
                        .sorted()
                        .toList());
    }

    private GroupRunner(StageRunner runner, StageScratch scratch, List<Integer> read) {
        this.runner = runner;
        this.scratch = scratch;
        this.read = read;
    }

    /** The same vertices with other working memory. */
    public GroupRunner with(StageScratch other) {
        return new GroupRunner(runner.with(other), other, read);
    }

    /** The vertices. */
    public List<Integer> positions() {
        return runner.positions();
    }

    /**
     * Runs the vertices forward, when all micro-batches have run what is before them.
     *
     * @param group its copy of the graph
     * @param members those of its micro-batches, in order
     */
    public void forward(GraphCopy group, List<GraphCopy> members, VertexObserver observer) {
        for (int position : read) {
            group.memory().setActivation(position, join(group, members, position));
        }
        runner.forward(group, observer);
    }

    private @Nullable Value join(GraphCopy group, List<GraphCopy> members, int position) {
        Value one = members.get(0).activation(position);
        if (one == null) {
            return null;
        }
        long[] shape = one.shape().clone();
        shape[0] = group.microBatch().examples();
        DataType type = one.values().dataType();
        INDArray all = allocate(group, type, shape);
        for (GraphCopy member : members) {
            Value value = member.activation(position);
            INDArray array = scratch.reorders.array(value, space(), floats -> allocate(group, type, floats));
            rows(all, group, member).assign(array);
        }
        return Value.of(all);
    }

    private static INDArray allocate(GraphCopy group, DataType type, long... shape) {
        return group.memory().input().inside(() -> Nd4j.createUninitialized(type, shape, 'c'));
    }

    private static Space space() {
        return new Space(TaskWorkspaces.none());
    }

    /** The rows of one micro-batch in an array of all. */
    private static INDArray rows(INDArray all, GraphCopy group, GraphCopy member) {
        long from = member.microBatch().first() - group.microBatch().first();
        return Rows.of(all, from, from + member.microBatch().examples());
    }

    /**
     * Runs the vertices backward, before the backward task of any micro-batch of the group.
     *
     * @param regularization as {@link StageRunner#backward} adds it to the score
     * @param split whether parameter gradients that can wait are left to {@link #weights}
     */
    public BackwardResult backward(
            GraphCopy group, List<GraphCopy> members, double regularization, boolean split, VertexObserver observer) {
        BackwardResult result = split
                ? runner.backwardWithoutWeights(group, regularization, observer)
                : runner.backward(group, regularization, observer);
        for (int position : read) {
            Value error = group.memory().takeError(position);
            if (error != null) {
                INDArray all = scratch.reorders.array(
                        error, space(), floats -> allocate(group, error.values().dataType(), floats));
                for (GraphCopy member : members) {
                    runner.hand(member, position, Value.of(rows(all, group, member)));
                }
            }
        }
        return result;
    }

    /** Computes the parameter gradients that the backward task has left. */
    public Map<Integer, Gradient> weights(GraphCopy group, VertexObserver observer) {
        return runner.weights(group, observer);
    }
}
