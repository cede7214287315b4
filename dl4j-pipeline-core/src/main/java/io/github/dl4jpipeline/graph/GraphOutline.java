package io.github.dl4jpipeline.graph;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.graph.ComputationGraph;

/** What tells graphs with the same names of vertices apart: edges, and sizes of parameters. */
public record GraphOutline(List<Part> vertices) {
    /**
     * A vertex.
     *
     * @param inputs names of the vertices that it reads, in the order of its inputs
     * @param parameterBytes size of its parameters
     */
    public record Part(String vertex, List<String> inputs, long parameterBytes) {
        public Part {
            inputs = List.copyOf(inputs);
        }
    }

    public GraphOutline {
        vertices = List.copyOf(vertices);
    }

    /** The outline of an initialised graph. */
    public static GraphOutline of(ComputationGraph graph) {
        VertexGraph vertices = VertexGraph.of(graph);
        int width = graph.getConfiguration().getDataType().width();
        return new GraphOutline(vertices.vertices().stream()
                .map(vertex -> new Part(
                        vertex.name(),
                        vertex.inputs().stream()
                                .map(input -> vertices.get(input).name())
                                .toList(),
                        vertex.parameters() * width))
                .toList());
    }

    /**
     * In words, what this outline has otherwise than that of a graph; empty if it is of this graph. If vertices without inputs
     * have parameters here, the sizes are made up, and not compared.
     */
    public Optional<String> differenceFrom(GraphOutline graph) {
        Map<String, Part> here = new HashMap<>();
        vertices.forEach(part -> here.put(part.vertex(), part));
        Map<String, Part> there = graph.vertices.stream().collect(Collectors.toMap(Part::vertex, part -> part));
        List<String> unknown = here.keySet().stream()
                .filter(name -> !there.containsKey(name))
                .sorted()
                .toList();
        if (!unknown.isEmpty()) {
            return Optional.of("it has vertices " + unknown + ", which the graph has not");
        }
        boolean measured =
                vertices.stream().filter(part -> part.inputs().isEmpty()).allMatch(part -> part.parameterBytes() == 0);
        return graph.vertices.stream()
                .map(part -> difference(here.get(part.vertex()), part, measured))
                .flatMap(Optional::stream)
                .findFirst();
    }

    private static Optional<String> difference(Part here, Part there, boolean measured) {
        String name = "vertex '" + there.vertex() + "'";
        if (here == null) {
            return Optional.of("it has no " + name);
        }
        if (!here.inputs().equals(there.inputs())) {
            return Optional.of(name + " reads " + here.inputs() + " in it, and " + there.inputs() + " in the graph");
        }
        if (measured && here.parameterBytes() != there.parameterBytes()) {
            return Optional.of(name + " has " + here.parameterBytes() + " bytes of parameters in it, and "
                    + there.parameterBytes() + " in the graph");
        }
        return Optional.empty();
    }
}
