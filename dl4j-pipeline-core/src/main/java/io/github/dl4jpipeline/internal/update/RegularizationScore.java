package io.github.dl4jpipeline.internal.update;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.regularization.L1Regularization;
import org.nd4j.linalg.learning.regularization.L2Regularization;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.WeightDecay;

/**
 * The regularization term of a graph's score, in pieces that threads can share. It is taken from the layers' own parameter
 * arrays, as Deeplearning4j's score is. The updater's blocks hold other ranges where a layer lays its parameters out in
 * another order than it names them.
 */
final class RegularizationScore {
    private final List<Piece> pieces = new ArrayList<>();
    private final List<Layer> wholeLayers = new ArrayList<>();

    /** Part of a parameter array, and what regularizes it. */
    private record Piece(INDArray values, List<Regularization> terms) {}

    private RegularizationScore() {}

    /** The term of an initialised graph. */
    static RegularizationScore of(ComputationGraph graph) {
        RegularizationScore score = new RegularizationScore();
        if (graph.params() != null) {
            INDArray all = graph.params().reshape(graph.params().length());
            for (GraphVertex vertex : graph.getVertices()) {
                if (vertex.getLayer() != null) {
                    score.add(vertex, all);
                }
            }
        }
        return score;
    }

    /** Layers with code of their own for the term are counted whole, and so are arrays that have no faster code. */
    private void add(GraphVertex vertex, INDArray all) {
        List<Piece> ofLayer = new ArrayList<>();
        boolean byParameter = inheritsScore(vertex.getLayer());
        for (Map.Entry<String, INDArray> parameter : vertex.paramTable(false).entrySet()) {
            List<Regularization> terms = ParameterRegularization.of(vertex, parameter.getKey());
            if (!terms.isEmpty()) {
                byParameter &= ParameterRegularization.isElementWise(terms) && isRangeOf(all, parameter.getValue());
                if (byParameter) {
                    cut(all, parameter.getValue()).forEach(values -> ofLayer.add(new Piece(values, terms)));
                }
            }
        }
        if (byParameter) {
            pieces.addAll(ofLayer);
        } else {
            wholeLayers.add(vertex.getLayer());
        }
    }

    private static boolean inheritsScore(Layer layer) {
        try {
            return layer.getClass()
                            .getMethod("calcRegularizationScore", boolean.class)
                            .getDeclaringClass()
                    == BaseLayer.class;
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException(e); // it is a method of every layer
        }
    }

    private static boolean isRangeOf(INDArray all, INDArray values) {
        boolean hasBlas = values.dataType() == DataType.FLOAT || values.dataType() == DataType.DOUBLE;
        return hasBlas && values.elementWiseStride() == 1 && values.data().sameUnderlyingData(all.data());
    }

    private static List<INDArray> cut(INDArray all, INDArray values) {
        long start = values.offset() - all.offset();
        long end = start + values.length();
        List<INDArray> cut = new ArrayList<>();
        for (long from = start; from < end; from += UpdatePiece.MOST_ELEMENTS) {
            cut.add(all.get(NDArrayIndex.interval(from, Math.min(end, from + UpdatePiece.MOST_ELEMENTS))));
        }
        return cut;
    }

    int pieces() {
        return pieces.size();
    }

    /** The term of one piece, as {@link Regularization#score} gives it, by faster operations. */
    double ofPiece(int index, int iteration, int epoch) {
        Piece piece = pieces.get(index);
        return piece.terms().stream()
                .mapToDouble(term -> score(term, piece.values(), iteration, epoch))
                .sum();
    }

    private static double score(Regularization term, INDArray parameters, int iteration, int epoch) {
        if (term instanceof L1Regularization l1) {
            return l1.getL1().valueAt(iteration, epoch) * Nd4j.getBlasWrapper().asum(parameters);
        }
        if (term instanceof L2Regularization l2) {
            return l2.getL2().valueAt(iteration, epoch) * halfSquare(parameters);
        }
        if (term instanceof WeightDecay decay) {
            return decay.getCoeff().valueAt(iteration, epoch) * halfSquare(parameters);
        }
        throw new IllegalArgumentException("No faster score for " + term);
    }

    private static double halfSquare(INDArray parameters) {
        return 0.5 * Nd4j.getBlasWrapper().dot(parameters, parameters);
    }

    /** The terms of the layers that are in no piece. */
    double ofWholeLayers() {
        return wholeLayers.stream()
                .mapToDouble(layer -> layer.calcRegularizationScore(true))
                .sum();
    }
}
