package io.github.dl4jpipeline.internal.graph;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.graph.FrozenVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.L2Vertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.graph.PoolHelperVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.graph.SubsetVertex;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.SpaceToBatchLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.conf.preprocessor.CnnToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.ComposableInputPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToCnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.deeplearning4j.preprocessors.KerasFlattenRnnPreprocessor;
import org.deeplearning4j.preprocessors.ReshapePreprocessor;
import org.jspecify.annotations.Nullable;

/**
 * Finds the vertices that reshape a batch across its examples, by following through the graph where the values of an
 * example are. Dimension 0 of an array counts rows. The rows of an example may follow each other. Then a reshape in
 * order {@code 'c'} keeps examples apart if each new row holds values of one example only.
 */
final class RowLayout {
    /** A vertex that mixes examples, or may. */
    record Mixing(String vertex, Object part, String reason, boolean certain) {}

    /**
     * Where the values of examples are in the output of a vertex.
     *
     * @param divisor divides the number of values of an example that follow each other
     * @param stacked how many batches lie one after the other
     * @param rows where the rows of an example are
     */
    private record Layout(long divisor, int stacked, Rows rows) {
        static final Layout INPUT = new Layout(1, 1, Rows.ONE);

        Layout withDivisor(long value) {
            return new Layout(value, stacked, rows);
        }

        Layout withRows(Rows value, long newDivisor) {
            return new Layout(newDivisor, stacked, value);
        }
    }

    private enum Rows {
        /** Each example has one. */
        ONE,
        /** Each example may have several, which follow each other. */
        TOGETHER,
        /** As many as the batch has examples lie between two of an example, as where time steps are rows. */
        APART,
        /** Each row that lies apart may have been cut. */
        CUT
    }

    private final List<Mixing> found = new ArrayList<>();
    private String vertex = "";

    private RowLayout() {}

    /** The vertices that mix examples, or may, in topological order. */
    static List<Mixing> mixing(VertexGraph dag, ComputationGraphConfiguration configuration) {
        RowLayout layout = new RowLayout();
        Map<Integer, Layout> outputs = new HashMap<>();
        for (Vertex vertex : dag.vertices()) {
            GraphVertex conf = configuration.getVertices().get(vertex.name());
            layout.vertex = vertex.name();
            List<Layout> inputs = vertex.inputs().stream().map(outputs::get).toList();
            outputs.put(
                    vertex.position(), conf == null || inputs.isEmpty() ? Layout.INPUT : layout.after(conf, inputs));
        }
        return layout.found;
    }

    private Layout after(GraphVertex conf, List<Layout> inputs) {
        Layout in = joined(inputs);
        if (conf instanceof FrozenVertex frozen) {
            return after(frozen.getUnderlying(), inputs);
        } else if (conf instanceof LayerVertex layer) {
            return after(layer.getLayerConf().getLayer(), after(layer.getPreProcessor(), in));
        } else if (conf instanceof PreprocessorVertex preprocessor) {
            return after(preprocessor.getPreProcessor(), in);
        } else if (conf instanceof StackVertex) {
            return new Layout(
                    in.divisor(), inputs.stream().mapToInt(Layout::stacked).sum(), in.rows());
        } else if (conf instanceof UnstackVertex unstack) {
            return afterUnstacking(unstack, in);
        } else if (conf instanceof ReshapeVertex reshape) {
            return afterReshaping(reshape, in);
        } else if (conf instanceof SubsetVertex subset) {
            return in.withDivisor(subset.getTo() - subset.getFrom() + 1L);
        } else if (conf instanceof L2Vertex
                || conf instanceof LastTimeStepVertex
                || conf instanceof PoolHelperVertex
                || !KnownClasses.INDEPENDENT.contains(conf.getClass())) {
            return in.withDivisor(1);
        }
        return in; // keeps the number of values, or joins those of several inputs
    }

    private static Layout joined(List<Layout> inputs) {
        Layout joined = inputs.get(0);
        for (Layout other : inputs) {
            Rows rows = other.rows().compareTo(joined.rows()) > 0 ? other.rows() : joined.rows();
            joined = new Layout(
                    greatestCommonDivisor(joined.divisor(), other.divisor()),
                    Math.max(joined.stacked(), other.stacked()),
                    rows);
        }
        return joined;
    }

    private static long greatestCommonDivisor(long a, long b) {
        return b == 0 ? a : greatestCommonDivisor(b, a % b);
    }

    private Layout afterUnstacking(UnstackVertex unstack, Layout in) {
        int size = unstack.getStackSize();
        if (in.stacked() % size != 0) {
            mixes(unstack, "it takes apart a batch that was not stacked within the graph", true);
        } else if (in.rows().compareTo(Rows.APART) >= 0) {
            mixes(unstack, "it takes apart a batch whose time steps are rows", true);
        }
        return new Layout(in.divisor(), Math.max(1, in.stacked() / size), in.rows());
    }

    private Layout afterReshaping(ReshapeVertex reshape, Layout in) {
        int[] shape = reshape.getNewShape();
        long row = Arrays.stream(shape).skip(1).asLongStream().reduce(1, (a, b) -> a * b);
        if (shape[0] != -1) {
            mixes(
                    reshape,
                    "a reshape to " + Arrays.toString(shape) + " fixes the number of rows, which counts examples",
                    true);
        } else if (reshape.getReshapeOrder() != 'c') {
            mixes(reshape, "a reshape in order '" + reshape.getReshapeOrder() + "' may mix examples", false);
        } else if (reshape.getMaskShape() != null) {
            mixes(reshape, "a reshape of masks may mix examples", false);
        } else if (row < 1 || in.divisor() % row != 0) {
            mixes(
                    reshape,
                    "it is not known whether a row of " + Arrays.toString(shape) + " joins several examples",
                    false);
        }
        return in.withRows(in.rows().compareTo(Rows.APART) >= 0 ? Rows.CUT : Rows.TOGETHER, in.divisor());
    }

    private Layout after(@Nullable InputPreProcessor preprocessor, Layout in) {
        if (preprocessor instanceof ComposableInputPreProcessor composed) {
            Layout layout = in;
            for (InputPreProcessor each : composed.getInputPreProcessors()) {
                layout = after(each, layout);
            }
            return layout;
        } else if (preprocessor instanceof RnnToFeedForwardPreProcessor
                || preprocessor instanceof RnnToCnnPreProcessor) {
            return in.withRows(in.rows() == Rows.ONE ? Rows.APART : Rows.CUT, 1);
        } else if (preprocessor instanceof FeedForwardToRnnPreProcessor
                || preprocessor instanceof CnnToRnnPreProcessor) {
            if (in.stacked() > 1 || in.rows() == Rows.TOGETHER || in.rows() == Rows.CUT) {
                mixes(preprocessor, "it is not known whether time steps are made of rows of one example", false);
            }
            return Layout.INPUT.withDivisor(in.divisor());
        } else if (preprocessor instanceof ReshapePreprocessor || preprocessor instanceof KerasFlattenRnnPreprocessor) {
            if (in.stacked() > 1 || in.rows().compareTo(Rows.APART) >= 0) {
                mixes(preprocessor, "it is not known whether a reshaped row holds values of one example", false);
            }
            return Layout.INPUT.withDivisor(in.divisor());
        }
        return preprocessor == null || KnownClasses.INDEPENDENT.contains(preprocessor.getClass())
                ? in
                : in.withDivisor(1);
    }

    private Layout after(Layer layer, Layout in) {
        if (layer instanceof SpaceToBatchLayer) {
            return in.withRows(in.rows() == Rows.ONE ? Rows.APART : Rows.CUT, 1);
        }
        return in.withDivisor(channels(layer)
                .orElseGet(() -> layer instanceof ActivationLayer || layer instanceof DropoutLayer ? in.divisor() : 1));
    }

    /** The size of the dimension of a layer's output that its parameters decide. */
    private static Optional<Long> channels(Layer layer) {
        if (layer instanceof BaseWrapperLayer wrapper) {
            return channels(wrapper.getUnderlying());
        } else if (layer instanceof FrozenLayer frozen) {
            return channels(frozen.getLayer());
        } else if (layer instanceof Bidirectional both) {
            return channels(both.getFwd());
        }
        boolean isKnown = KnownClasses.INDEPENDENT.contains(layer.getClass());
        return isKnown && layer instanceof FeedForwardLayer sized && sized.getNOut() > 0
                ? Optional.of(sized.getNOut())
                : Optional.empty();
    }

    private void mixes(Object part, String reason, boolean certain) {
        found.add(new Mixing(vertex, part, reason, certain));
    }
}
