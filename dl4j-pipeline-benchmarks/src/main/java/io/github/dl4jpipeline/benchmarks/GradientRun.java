package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

/**
 * What one system has computed for a batch. Copies.
 *
 * @param gradient before the updater, by parameter
 * @param activations by vertex; empty if nobody has asked for them
 */
record GradientRun(Map<String, INDArray> gradient, Map<String, INDArray> activations) {

    /** Computes the gradient with a graph or pipeline, in the graph's own type. */
    static GradientRun of(ComputationGraph graph, DataSet batch, boolean withActivations) {
        DataType type = graph.getConfiguration().getDataType();
        Map<String, INDArray> activations = new TreeMap<>();
        if (withActivations) {
            graph.setListeners(new BaseTrainingListener() {
                @Override
                public void onForwardPass(Model model, Map<String, INDArray> all) {
                    all.forEach((vertex, array) -> activations.put(vertex, copy(array)));
                }
            });
        }
        graph.initGradientsView();
        graph.setInputs(batch.getFeatures().castTo(type));
        graph.setLabels(batch.getLabels().castTo(type));
        graph.computeGradientAndScore();
        Map<String, INDArray> gradient = new LinkedHashMap<>();
        graph.gradient().gradientForVariable().forEach((name, array) -> gradient.put(name, copy(array)));
        return new GradientRun(gradient, activations);
    }

    private static INDArray copy(INDArray array) {
        return array.detach().dup('c');
    }

    /** The largest difference of an array from the one in double. */
    static double distance(INDArray array, INDArray inDouble) {
        return ArrayDifference.of(array.castTo(DataType.DOUBLE), inDouble).largestDifference();
    }

    /** The largest magnitude of an array's elements. */
    static double largest(INDArray array) {
        return ArrayDifference.of(array, array).largestExpected();
    }

    /** The relative error of a vertex's activations; NaN if there are none. */
    double activationError(String vertex, GradientRun inDouble) {
        INDArray found = activations.get(vertex);
        INDArray exact = inDouble.activations.get(vertex);
        return found == null || exact == null ? Double.NaN : distance(found, exact) / largest(exact);
    }

    /** The largest error of a vertex's parameter gradients, relative to the largest of them; NaN if it has none. */
    double gradientError(String vertex, GradientRun inDouble) {
        double error = 0;
        double largest = 0;
        for (Map.Entry<String, INDArray> entry : inDouble.gradient.entrySet()) {
            String name = entry.getKey();
            if (name.substring(0, name.lastIndexOf('_')).equals(vertex)) {
                error = Math.max(error, distance(gradient.get(name), entry.getValue()));
                largest = Math.max(largest, largest(entry.getValue()));
            }
        }
        return error / largest;
    }
}
