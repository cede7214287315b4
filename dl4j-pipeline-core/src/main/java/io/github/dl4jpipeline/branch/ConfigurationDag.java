package io.github.dl4jpipeline.branch;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.jgrapht.graph.DefaultEdge;
import org.jgrapht.graph.DirectedAcyclicGraph;
import org.jspecify.annotations.Nullable;

/** The vertices of a configuration as a DAG of names; network inputs are among them. */
final class ConfigurationDag {
    private final ComputationGraphConfiguration configuration;
    private final DirectedAcyclicGraph<String, DefaultEdge> dag = new DirectedAcyclicGraph<>(DefaultEdge.class);

    ConfigurationDag(ComputationGraphConfiguration configuration) {
        this.configuration = configuration;
        configuration.getNetworkInputs().forEach(dag::addVertex);
        configuration.getVertices().keySet().forEach(dag::addVertex);
        configuration.getVertexInputs().forEach((name, inputs) -> inputs.forEach(input -> dag.addEdge(input, name)));
    }

    /** Vertices in topological order, without the network inputs. */
    List<String> order() {
        List<String> order = new ArrayList<>();
        dag.iterator().forEachRemaining(name -> {
            if (!isInput(name)) {
                order.add(name);
            }
        });
        return order;
    }

    boolean isInput(String name) {
        return configuration.getNetworkInputs().contains(name);
    }

    List<String> inputs(String name) {
        return configuration.getVertexInputs().getOrDefault(name, List.of());
    }

    /** A vertex, or null for a network input. */
    @Nullable GraphVertex vertex(String name) {
        return configuration.getVertices().get(name);
    }

    /** The layer of a vertex, or null if it has none. */
    @Nullable Layer layer(String name) {
        return vertex(name) instanceof LayerVertex vertex
                ? vertex.getLayerConf().getLayer()
                : null;
    }

    /** A vertex and all that it depends on, network inputs included. */
    Set<String> upTo(String name) {
        Set<String> all = new HashSet<>(dag.getAncestors(name));
        all.add(name);
        return all;
    }
}
