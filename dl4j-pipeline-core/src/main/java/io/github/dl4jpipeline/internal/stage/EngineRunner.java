package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.engine.EngineLayer;
import io.github.dl4jpipeline.internal.engine.GradientRows;
import io.github.dl4jpipeline.internal.engine.GradientTurn;
import io.github.dl4jpipeline.internal.engine.Reorders;
import io.github.dl4jpipeline.internal.engine.Space;
import io.github.dl4jpipeline.internal.engine.Value;
import io.github.dl4jpipeline.internal.layers.JointSums;
import io.github.dl4jpipeline.internal.layers.Moments;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runs a vertex by the engine; with masks or input that the engine does not take, by its layer. */
final class EngineRunner extends VertexRunner {
    private final EngineLayer code;
    private final boolean[] wanted;
    private final @Nullable Segment segment;

    /** How the last forward pass has run. */
    private boolean byEngine;

    private boolean postpone;
    private boolean postponed;
    private boolean add;
    private @Nullable INDArray bound;
    private Map<String, INDArray> views = Map.of();

    /** In which turn gradients are computed; null if those of the micro-batch are alone. */
    private @Nullable Turn turn;

    private record Turn(GradientRows rows, GradientTurn place) {}

    /**
     * @param wanted by input, whether its error is wanted
     * @param segment what a recurrent layer carries from segment to segment; null if sequences are whole
     */
    EngineRunner(
            GraphVertex vertex, EngineLayer code, boolean[] wanted, boolean inputErrors, @Nullable Segment segment) {
        super(vertex, inputErrors, segment);
        this.code = code;
        this.wanted = wanted;
        this.segment = segment;
    }

    @Override
    @Nullable Value forward(Value[] inputs, boolean training, LayerWorkspaceMgr workspaces, Reorders reorders) {
        Layer layer = vertex().getLayer();
        INDArray mask = layer == null ? null : layer.getMaskArray();
        Space space = new Space(workspaces);
        Value output;
        if (training && segment != null && segment.isPresent()) {
            output = code.forward(inputs, mask, segment, space);
        } else {
            output = mask == null ? code.forward(inputs, training, space) : code.forward(inputs, mask, training, space);
        }
        byEngine = output != null;
        return byEngine ? output : super.forward(inputs, training, workspaces, reorders);
    }

    @Override
    @Nullable Value[] backward(@Nullable Value error, LayerWorkspaceMgr workspaces, Reorders reorders) {
        Space space = new Space(workspaces);
        if (!byEngine || error == null) {
            return byLayer(error, workspaces, reorders, space);
        }
        postponed = postpone && code.hasGradient();
        Value[] errors = code.backward(error, wanted, postponed, space);
        setGradient(code.hasGradient() && !postponed ? gradient(space) : new DefaultGradient());
        return errors;
    }

    private Gradient gradient(Space space) {
        Turn own = turn;
        if (own == null) {
            return code.gradient(views, add, space);
        }
        synchronized (own.rows()) {
            Gradient computed = code.gradient(views, own.rows(), own.place(), space);
            finishLast(own, space);
            return computed;
        }
    }

    private void finishLast(Turn own, Space space) {
        if (own.place().last()) {
            code.finish(views, own.rows(), space);
        }
    }

    private @Nullable Value[] byLayer(
            @Nullable Value error, LayerWorkspaceMgr workspaces, Reorders reorders, Space space) {
        Turn own = turn;
        if (own == null) {
            return super.backward(error, workspaces, reorders);
        }
        synchronized (own.rows()) { // another worker may compute gradients that have waited
            bindLayer(own);
            Value[] errors = super.backward(error, workspaces, reorders);
            note(gradient(), own);
            if (!postpone) {
                finishLast(own, space);
            }
            return errors;
        }
    }

    /** The layer adds to what is there, which may be nothing where the engine has only taken rows. */
    private void bindLayer(Turn own) {
        INDArray array = bound;
        if (array != null) {
            super.bindGradients(array, own.rows().isWritten());
        }
    }

    private static void note(@Nullable Gradient computed, Turn own) {
        if (computed != null && !computed.gradientForVariable().isEmpty()) {
            own.rows().write();
        }
    }

    @Override
    void postponeGradient(boolean value) {
        super.postponeGradient(value);
        postpone = value;
    }

    @Override
    @Nullable Gradient postponedGradient(LayerWorkspaceMgr workspaces) {
        Space space = new Space(workspaces);
        if (byEngine) {
            boolean left = postponed;
            postponed = false;
            return left ? gradient(space) : null;
        }
        Turn own = turn;
        if (own == null) {
            return super.postponedGradient(workspaces);
        }
        synchronized (own.rows()) {
            bindLayer(own);
            Gradient computed = super.postponedGradient(workspaces);
            note(computed, own);
            finishLast(own, space);
            return computed;
        }
    }

    @Override
    public void bindGradients(INDArray gradients, boolean adding) {
        super.bindGradients(gradients, adding);
        add = adding;
        turn = null;
        Layer layer = vertex().getLayer();
        if (gradients != bound && layer != null) {
            views = code.views(layer, gradients);
            bound = gradients;
        }
    }

    @Override
    void gather(GradientRows rows, GradientTurn place) {
        turn = new Turn(rows, place);
    }

    @Override
    void join(JointSums sums, int number) {
        super.join(sums, number);
        code.join(sums, number);
    }

    @Override
    void addResults(int position, boolean partOfBatch, BackwardResult results) {
        Moments moments = byEngine ? code.moments() : null;
        super.addResults(position, partOfBatch && moments == null, results);
        if (partOfBatch && moments != null) {
            results.moments().put(position, moments);
        }
    }

    @Override
    public void clear() {
        super.clear();
        code.clear();
        postponed = false;
    }

    @Override
    public void reset() {
        super.reset();
        code.close();
    }
}
