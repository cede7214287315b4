package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.HostFloats;
import io.github.dl4jpipeline.internal.onednn.Slot;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Self-attention of sequences. Queries, keys and values of all heads are one product for all steps. The products of each example and
 * head follow, all in one call.
 *
 * <p>Deeplearning4j takes the error of the output twice in its backward pass, and so does this: gradients of the layer, and the error
 * of its input, are twice the numerical ones.
 */
final class EngineAttention extends EngineLayer {
    private static final String QUERIES = "Wq";
    private static final String OUTPUT = "Wo";
    private static final List<String> NAMES = List.of(QUERIES, "Wk", "Wv", OUTPUT);

    /** The gradients of all projections, which lie one after another; beside those of Deeplearning4j's names. */
    private static final String PROJECTIONS = "Wq, Wk, Wv";

    /** How much a mask of 0 takes from a score. */
    private static final float OF_MASK = 1e9f;

    private static final int RANK = 3;

    private final String vertex;
    private final Layer layer;
    private final SelfAttentionLayer conf;
    private final PackedWeights packed;
    private final ByLayout<AttentionPasses> byLayout = new ByLayout<>();

    private @Nullable AttentionPasses passes;
    private @Nullable INDArray input;

    /** Queries, keys and values; without projections the input. */
    private @Nullable INDArray projected;

    /** How much of each step's values a step takes. */
    private @Nullable INDArray shares;

    /** What all heads have taken; without projections the output. */
    private @Nullable INDArray results;

    private @Nullable INDArray outputError;
    private @Nullable INDArray projectedError;

    EngineAttention(String vertex, Layer layer, SelfAttentionLayer conf, PackedWeights packed) {
        this.vertex = vertex;
        this.layer = layer;
        this.conf = conf;
        this.packed = packed;
    }

    /** Null if this does not take the value. */
    private @Nullable AttentionSize size(Value value) {
        long[] shape = value.shape();
        boolean fits = shape.length == RANK
                && shape[1] == conf.getNIn()
                && value.values().dataType() == DataType.FLOAT;
        if (!fits) {
            return null;
        }
        boolean projects = conf.isProjectInput();
        AttentionSize size = new AttentionSize(
                shape[0],
                shape[2],
                shape[1],
                projects ? conf.getNOut() : shape[1],
                projects ? conf.getNHeads() : 1,
                projects ? conf.getHeadSize() : shape[1],
                projects);
        return size.isCountable() ? size : null;
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        return attend(inputs[0], null, space);
    }

    @Override
    public @Nullable Value forward(Value[] inputs, INDArray mask, boolean training, Space space) {
        long[] shape = inputs[0].shape();
        boolean fits = mask.rank() == 2 && mask.size(0) == shape[0] && mask.size(1) == shape[shape.length - 1];
        return fits ? attend(inputs[0], mask, space) : null;
    }

    private @Nullable Value attend(Value value, @Nullable INDArray mask, Space space) {
        AttentionSize size = size(value);
        if (size == null || !areFinite(value)) {
            return null;
        }
        AttentionPasses made =
                Objects.requireNonNull(byLayout.get(size.sequences(size.inputs()), key -> new AttentionPasses(size)));
        INDArray rows = activation(value, size.sequences(size.inputs()), space);
        INDArray ofHeads = rows;
        if (size.projects()) {
            ofHeads = space.activation(size.rows() * size.rowWidth());
            run(
                    made.project()
                            .with(Slot.INPUT, rows)
                            .with(Slot.WEIGHTS, projections())
                            .with(Slot.OUTPUT, ofHeads),
                    space);
        }
        INDArray scores = space.activation(size.scores());
        run(
                made.score()
                        .with(Slot.INPUT, ofHeads)
                        .with(Slot.WEIGHTS, ofHeads, keysAt(size))
                        .with(Slot.OUTPUT, scores),
                space);
        if (!Finite.is(scores)) {
            return null; // oneDNN's softmax makes numbers of what is none
        }
        if (mask != null) {
            addMask(scores, mask, size);
        }
        run(made.softmax().with(Slot.INPUT, scores).with(Slot.OUTPUT, scores), space);
        INDArray taken = space.activation(size.rows() * size.width());
        run(
                made.attend()
                        .with(Slot.INPUT, scores)
                        .with(Slot.WEIGHTS, ofHeads, valuesAt(size))
                        .with(Slot.OUTPUT, taken),
                space);
        passes = made;
        input = rows;
        projected = ofHeads;
        shares = scores;
        results = taken;
        return new Value(size.projects() ? output(made, taken, space) : taken, size.sequences(size.outputs()));
    }

    private INDArray output(AttentionPasses made, INDArray taken, Space space) {
        AttentionSize size = made.size();
        INDArray output = space.activation(size.rows() * size.outputs());
        run(
                made.putOut()
                        .with(Slot.INPUT, taken)
                        .with(Slot.WEIGHTS, layer.getParam(OUTPUT))
                        .with(Slot.OUTPUT, output),
                space);
        return output;
    }

    /** Whether oneDNN may see these inputs and the parameters. */
    private boolean areFinite(Value value) {
        if (!conf.isProjectInput()) {
            return !value.isArray() || Finite.is(value.values());
        }
        return packed.isFinite(new PackedWeights.Parameter(vertex, QUERIES), value, projections(), null)
                && packed.isFinite(new PackedWeights.Parameter(vertex, OUTPUT), value, layer.getParam(OUTPUT), null);
    }

    /** Weights of queries, keys and values, in which they lie one after another. */
    private INDArray projections() {
        return projections(layer.params());
    }

    private INDArray projections(INDArray all) {
        long length = 3L * conf.getNHeads() * conf.getHeadSize() * conf.getNIn();
        return all.reshape(all.length()).get(NDArrayIndex.interval(0, length));
    }

    private static long keysAt(AttentionSize size) {
        return size.projects() ? size.width() : 0;
    }

    private static long valuesAt(AttentionSize size) {
        return size.projects() ? 2 * size.width() : 0;
    }

    /** Makes scores of steps that a mask leaves out so small that nothing is taken of them, unless all are left out. */
    @SuppressWarnings("ReachabilityFenceUsage") // where a loop fails, it reads no more
    private static void addMask(INDArray scores, INDArray mask, AttentionSize size) {
        float[] added =
                mask.castTo(DataType.FLOAT).dup('c').reshape(mask.length()).toFloatVector();
        for (int i = 0; i < added.length; i++) {
            added[i] = (added[i] - 1) * OF_MASK;
        }
        int steps = (int) size.steps();
        float[] row = new float[steps];
        int rowsOfExample = (int) (size.heads() * size.steps());
        FloatBuffer buffer = HostFloats.of(scores);
        for (int i = 0; i < rowsOfExample * size.examples(); i++) {
            int ofExample = i / rowsOfExample * steps;
            buffer.get(i * steps, row);
            for (int step = 0; step < steps; step++) {
                row[step] += added[ofExample + step];
            }
            buffer.put(i * steps, row);
        }
        Reference.reachabilityFence(scores);
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        AttentionPasses made = requirePasses();
        AttentionSize size = made.size();
        if (!size.projects() && !wanted[0]) {
            return new Value[1];
        }
        INDArray given = error(error, size.sequences(size.outputs()), space);
        INDArray twice = given.reshape(given.length());
        twice = postponed && size.projects() ? twice.muli(2, space.kept(given.length())) : twice.muli(2);
        INDArray ofResults = twice;
        if (size.projects()) {
            ofResults = space.work(size.rows() * size.width());
            run(
                    made.resultError()
                            .with(Slot.INPUT, twice)
                            .with(Slot.WEIGHTS, layer.getParam(OUTPUT))
                            .with(Slot.OUTPUT, ofResults),
                    space);
            outputError = twice;
        }
        long floats = size.rows() * size.rowWidth();
        INDArray ofHeads = size.projects() ? postponed ? space.kept(floats) : space.work(floats) : space.error(floats);
        writeHeadErrors(made, ofResults, ofHeads, space);
        projectedError = ofHeads;
        if (!wanted[0]) {
            return new Value[1];
        }
        return new Value[] {
            new Value(size.projects() ? inputError(made, ofHeads, space) : ofHeads, size.sequences(size.inputs()))
        };
    }

    /** The errors of queries, keys and values; without projections their sum. */
    private void writeHeadErrors(AttentionPasses made, INDArray ofResults, INDArray ofHeads, Space space) {
        AttentionSize size = made.size();
        INDArray errors = space.work(size.scores());
        run(
                made.shareError()
                        .with(Slot.INPUT, ofResults)
                        .with(Slot.WEIGHTS, projected, valuesAt(size))
                        .with(Slot.OUTPUT, errors),
                space);
        run(
                made.valueError()
                        .with(Slot.INPUT, shares)
                        .with(Slot.WEIGHTS, ofResults)
                        .with(Slot.OUTPUT, ofHeads, valuesAt(size)),
                space);
        run(
                made.scoreError()
                        .with(Slot.OUTPUT, shares)
                        .with(Slot.OUTPUT_ERROR, errors)
                        .with(Slot.INPUT_ERROR, errors),
                space);
        run(
                made.queryError()
                        .with(Slot.INPUT, errors)
                        .with(Slot.WEIGHTS, projected, keysAt(size))
                        .with(Slot.OUTPUT, ofHeads),
                space);
        run(
                made.keyError()
                        .with(Slot.INPUT, errors)
                        .with(Slot.WEIGHTS, projected)
                        .with(Slot.OUTPUT, ofHeads, keysAt(size)),
                space);
    }

    private INDArray inputError(AttentionPasses made, INDArray ofHeads, Space space) {
        AttentionSize size = made.size();
        INDArray ofInput = space.error(size.rows() * size.inputs());
        run(
                made.inputError()
                        .with(Slot.INPUT, ofHeads)
                        .with(Slot.WEIGHTS, projections())
                        .with(Slot.OUTPUT, ofInput),
                space);
        return ofInput;
    }

    private AttentionPasses requirePasses() {
        AttentionPasses made = passes;
        if (made == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        return made;
    }

    @Override
    public boolean hasGradient() {
        return conf.isProjectInput();
    }

    @Override
    public Map<String, INDArray> views(Layer layer, INDArray gradients) {
        Map<String, INDArray> views = new HashMap<>(super.views(layer, gradients));
        if (conf.isProjectInput()) {
            views.put(PROJECTIONS, projections(gradients));
        }
        return views;
    }

    @Override
    public Gradient gradient(Map<String, INDArray> views, boolean add, Space space) {
        AttentionPasses made = requirePasses();
        write(
                made.projectionGradient().with(Slot.INPUT, input).with(Slot.OUTPUT_ERROR, projectedError),
                views.get(PROJECTIONS),
                add,
                space);
        write(
                made.outputGradient().with(Slot.INPUT, outputError).with(Slot.OUTPUT_ERROR, results),
                views.get(OUTPUT),
                add,
                space);
        outputError = null;
        projectedError = null;
        Gradient gradient = new DefaultGradient();
        NAMES.forEach(name -> gradient.setGradientFor(name, views.get(name)));
        return gradient;
    }

    @Override
    public void clear() {
        passes = null;
        input = null;
        projected = null;
        shares = null;
        results = null;
        outputError = null;
        projectedError = null;
    }

    @Override
    public void close() {
        super.close();
        byLayout.close();
    }
}
