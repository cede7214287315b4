package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.exception.UnsplittableGraphException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;

/**
 * Where a network's classifier begins: its last layer with weights, and what follows.
 *
 * @param layer name of the vertex with the last weights
 * @param after the vertices after it, in order; the last one is the network's output
 */
record Classifier(String layer, List<String> after) {

    /**
     * Finds the classifier.
     *
     * @throws UnsplittableGraphException if the network has several outputs, or does not end in a chain of layers
     */
    static Classifier of(ComputationGraphConfiguration configuration, ConfigurationDag dag) {
        if (configuration.getNetworkOutputs().size() != 1) {
            throw new UnsplittableGraphException("it has the outputs " + configuration.getNetworkOutputs()
                    + "; a network with one output can be split");
        }
        String name = configuration.getNetworkOutputs().get(0);
        requireNothingElse(dag, name);
        List<String> after = new ArrayList<>();
        while (!isWeighted(dag, name)) {
            Layer layer = dag.layer(name);
            if (layer == null || !LayerNarrowing.isChannelwise(layer)) {
                String kind = layer == null ? "This vertex" : layer.getClass().getSimpleName();
                throw new UnsplittableGraphException(
                        "vertex '" + name + "': " + kind + " cannot be part of a classifier,"
                                + " which is a dense, output or convolution layer, followed by nothing but pooling,"
                                + " activations, dropout and a loss");
            }
            after.add(name);
            name = dag.inputs(name).get(0);
        }
        Collections.reverse(after);
        return new Classifier(name, after);
    }

    /** The vertex that the classifier reads. */
    String input(ConfigurationDag dag) {
        return dag.inputs(layer).get(0);
    }

    private static boolean isWeighted(ConfigurationDag dag, String name) {
        Layer layer = dag.layer(name);
        return layer != null && LayerNarrowing.isWeighted(layer);
    }

    private static void requireNothingElse(ConfigurationDag dag, String output) {
        Set<String> others = new TreeSet<>(dag.order());
        others.removeAll(dag.upTo(output));
        if (!others.isEmpty()) {
            throw new UnsplittableGraphException("the vertices " + others + " do not lead to its output");
        }
    }
}
