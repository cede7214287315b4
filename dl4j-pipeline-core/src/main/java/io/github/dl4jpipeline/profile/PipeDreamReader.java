package io.github.dl4jpipeline.profile;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jgrapht.graph.DefaultEdge;
import org.jgrapht.graph.DirectedAcyclicGraph;

/**
 * Reads profiles in the format of PipeDream's profiler (Narayanan et al., SOSP 2019): a line for each node, and lines that
 * begin with a tab for edges.
 *
 * <pre>
 * node2 -- Conv2d(3, 64) -- forward_compute_time=3.1, backward_compute_time=5.2, activation_size=401408.0, parameter_size=9408.0
 *         node1 -- node2
 * </pre>
 */
final class PipeDreamReader {
    private static final String NUMBER = "([^,]+)";
    private static final Pattern NODE = Pattern.compile("(\\S+) -- (.*) -- forward_compute_time=" + NUMBER
            + ", backward_compute_time=" + NUMBER + ", activation_size=" + NUMBER + ", parameter_size=" + NUMBER);
    private static final Pattern EDGE = Pattern.compile("\\t(\\S+) -- (\\S+)");

    private static final int MOST_EDGES = 100_000;

    private final String file;
    private final Map<String, VertexCost> nodes = new HashMap<>();
    private final Map<String, Integer> lineOf = new HashMap<>();
    private final Map<String, List<String>> inputs = new HashMap<>();
    private final DirectedAcyclicGraph<String, DefaultEdge> dag = new DirectedAcyclicGraph<>(DefaultEdge.class);
    private int line;
    private int edges;

    private PipeDreamReader(String file) {
        this.file = file;
    }

    /**
     * The profile in a file's lines, for one example, which is the batch that it was measured with.
     *
     * @throws IllegalArgumentException if they are not such a profile; the message names file and line
     */
    static GraphProfile read(String file, List<String> lines) {
        return new PipeDreamReader(file).read(lines);
    }

    private GraphProfile read(List<String> lines) {
        // Edges may come before the nodes that they name.
        for (line = 1; line <= lines.size(); line++) {
            String text = lines.get(line - 1);
            if (!text.isBlank() && !text.startsWith("\t")) {
                addNode(text);
            }
        }
        for (line = 1; line <= lines.size(); line++) {
            String text = lines.get(line - 1);
            if (!text.isBlank() && text.startsWith("\t")) {
                addEdge(text);
            }
        }
        if (nodes.isEmpty()) {
            line = 1;
            throw error("there are no nodes");
        }
        List<VertexCost> costs = new ArrayList<>();
        dag.iterator().forEachRemaining(name -> costs.add(withInputs(nodes.get(name))));
        try {
            return new GraphProfile(1, file, 1, MachineSpeed.UNKNOWN, Map.of(), costs);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file + " is not a profile: " + e.getMessage(), e);
        }
    }

    private void addNode(String text) {
        Matcher node = NODE.matcher(text.strip());
        if (!node.matches()) {
            throw error("expected 'NODE -- DESCRIPTION -- forward_compute_time=…, backward_compute_time=…,"
                    + " activation_size=…, parameter_size=…'");
        }
        String name = node.group(1);
        if (nodes.containsKey(name)) {
            throw error("node '" + name + "' comes twice, first in line " + lineOf.get(name));
        }
        boolean input = node.group(2).startsWith("Input"); // its time is that of loading data
        double forward = input ? 0 : number("forward_compute_time", node.group(3));
        double backward = input ? 0 : number("backward_compute_time", node.group(4));
        long parameters = Math.round(number("parameter_size", node.group(6)));
        long activations = activationBytes(node.group(5));
        try {
            nodes.put(name, cost(name, forward, backward, activations, parameters));
        } catch (IllegalArgumentException e) {
            throw error(e.getMessage());
        }
        if (nodes.size() > GraphProfile.MOST_VERTICES) {
            throw error("there are more than " + GraphProfile.MOST_VERTICES + " nodes");
        }
        lineOf.put(name, line);
        inputs.put(name, new ArrayList<>());
        dag.addVertex(name);
    }

    private static VertexCost cost(String name, double forward, double backward, long activations, long parameters) {
        return new VertexCost(
                name,
                List.of(),
                new PassTimes(forward, 0, forward),
                new PassTimes(backward, 0, backward),
                new VertexBytes(activations, parameters, parameters, 0));
    }

    /** One size, or several as {@code [a; b]}. */
    private long activationBytes(String text) {
        String list = text.startsWith("[") && text.endsWith("]") ? text.substring(1, text.length() - 1) : text;
        double sum = 0;
        for (String size : list.split(";", -1)) {
            sum += number("activation_size", size);
        }
        return Math.round(sum);
    }

    private double number(String name, String text) {
        double value;
        try {
            value = Double.parseDouble(text.strip());
        } catch (NumberFormatException e) {
            throw error(name + " is not a number: '" + text.strip() + "'");
        }
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw error(name + " must be a number of 0 or more, got " + text.strip());
        }
        return value;
    }

    private void addEdge(String text) {
        Matcher edge = EDGE.matcher(text.stripTrailing());
        if (!edge.matches()) {
            throw error("expected an edge, 'NODE -- NODE' after a tab");
        }
        String from = edge.group(1);
        String to = edge.group(2);
        for (String name : List.of(from, to)) {
            if (!nodes.containsKey(name)) {
                throw error("there is no node '" + name + "'");
            }
        }
        try {
            dag.addEdge(from, to);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    message("the edge from '" + from + "' to '" + to + "' closes a cycle"), e);
        }
        inputs.get(to).add(from);
        if (++edges > MOST_EDGES) {
            throw error("there are more than " + MOST_EDGES + " edges");
        }
    }

    private VertexCost withInputs(VertexCost cost) {
        return new VertexCost(cost.vertex(), inputs.get(cost.vertex()), cost.forward(), cost.backward(), cost.bytes());
    }

    private IllegalArgumentException error(String message) {
        return new IllegalArgumentException(message(message));
    }

    private String message(String message) {
        return file + " line " + line + ": " + message;
    }
}
