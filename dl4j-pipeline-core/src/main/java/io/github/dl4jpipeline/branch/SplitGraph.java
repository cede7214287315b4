package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.exception.UnsplittableGraphException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.layers.Layer;

/** Puts narrow copies of a network side by side, and a classifier over them. */
final class SplitGraph {
    /** Name of the vertex where branches meet. */
    static final String JOIN = "join";

    private final ComputationGraphConfiguration original;
    private final ConfigurationDag dag;
    private final Classifier classifier;
    private final List<BranchBody> branches = new ArrayList<>();
    private final Map<String, GraphVertex> vertices = new LinkedHashMap<>();
    private final Map<String, List<String>> inputs = new LinkedHashMap<>();

    private SplitGraph(ComputationGraphConfiguration original, List<Narrowing> narrowings) {
        this.original = original;
        this.dag = new ConfigurationDag(original);
        this.classifier = Classifier.of(original, dag);
        if (dag.isInput(classifier.input(dag))) {
            throw new UnsplittableGraphException("it has no layer before its classifier '" + classifier.layer() + "'");
        }
        if (dag.isInput(JOIN)
                || classifier.layer().equals(JOIN)
                || classifier.after().contains(JOIN)) {
            throw new UnsplittableGraphException("a vertex is called '" + JOIN + "'; give it another name");
        }
        List<String> body = new ArrayList<>(dag.order());
        body.remove(classifier.layer());
        body.removeAll(classifier.after());
        for (int i = 0; i < narrowings.size(); i++) {
            BranchBody branch = new BranchBody(original, narrowings.get(i), "branch" + i + "-");
            body.forEach(branch::addNarrowed);
            branches.add(branch);
        }
    }

    /** Branches that end before the classifier, which reads all of them. */
    static ComputationGraphConfiguration withSharedClassifier(
            ComputationGraphConfiguration original, List<Narrowing> narrowings) {
        SplitGraph graph = new SplitGraph(original, narrowings);
        String last = graph.classifier.input(graph.dag);
        graph.join(last);
        List<String> head = new ArrayList<>(List.of(graph.classifier.layer()));
        head.addAll(graph.classifier.after());
        return graph.withHead(head, graph.joinedWidth(last));
    }

    /** Branches that have a classifier each, for a part of the classes. */
    static ComputationGraphConfiguration withSplitClassifier(
            ComputationGraphConfiguration original, List<Narrowing> narrowings) {
        SplitGraph graph = new SplitGraph(original, narrowings);
        SplitClassifier split = SplitClassifier.of(
                graph.original(graph.classifier.layer()), narrowings.get(0).branches());
        for (int i = 0; i < narrowings.size(); i++) {
            split.addTo(graph.branches.get(i), graph.classifier.input(graph.dag), i);
        }
        List<String> head = new ArrayList<>(graph.classifier.after());
        String last = graph.classifier.layer();
        // Pooling treats classes apart, so it can be done before they meet, which leaves less to send.
        while (!head.isEmpty() && graph.isPooling(head.get(0))) {
            last = head.remove(0);
            for (BranchBody branch : graph.branches) {
                branch.addNarrowed(last);
            }
        }
        graph.join(last);
        if (split.loss() != null) {
            graph.addHead(split.name(), split.loss(), JOIN);
            return graph.build(split.name());
        }
        return graph.withHead(head, Width.WHOLE);
    }

    /** A copy of a layer of the original network. */
    private LayerVertex original(String name) {
        return (LayerVertex) Configurations.copy(original).getVertices().get(name);
    }

    private boolean isPooling(String name) {
        Layer layer = dag.layer(name);
        return layer != null && LayerNarrowing.isPooling(layer);
    }

    private Width joinedWidth(String last) {
        return new Width(
                branches.get(0).width(last).from(),
                branches.stream().mapToLong(branch -> branch.width(last).to()).sum());
    }

    /** Lets the branches meet after a vertex of each. */
    private void join(String last) {
        for (BranchBody branch : branches) {
            vertices.putAll(branch.vertices());
            inputs.putAll(branch.inputs());
        }
        vertices.put(JOIN, new MergeVertex());
        inputs.put(
                JOIN,
                new ArrayList<>(
                        branches.stream().map(branch -> branch.nameOf(last)).toList()));
    }

    /** Ends the network in vertices of the original, of which the first is adapted to its input. */
    private ComputationGraphConfiguration withHead(List<String> head, Width input) {
        String previous = JOIN;
        for (String name : head) {
            LayerVertex vertex = original(name);
            if (previous.equals(JOIN)) {
                adapt(name, vertex, input);
            }
            addHead(name, vertex, previous);
            previous = name;
        }
        return build(previous);
    }

    private static void adapt(String name, LayerVertex vertex, Width input) {
        try {
            LayerNarrowing.adapt(vertex.getPreProcessor(), input);
            LayerNarrowing.adapt(vertex.getLayerConf().getLayer(), input);
        } catch (IllegalArgumentException e) {
            throw new UnsplittableGraphException(name, e);
        }
    }

    private void addHead(String name, GraphVertex vertex, String previous) {
        vertices.put(name, Configurations.named(name, vertex));
        inputs.put(name, new ArrayList<>(List.of(previous)));
    }

    private ComputationGraphConfiguration build(String output) {
        return Configurations.of(original, original.getNetworkInputs(), vertices, inputs, List.of(output));
    }
}
