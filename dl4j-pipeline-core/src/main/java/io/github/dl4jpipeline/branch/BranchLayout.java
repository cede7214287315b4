package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.internal.exception.Given;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.graph.MergeVertex;

/**
 * Which vertices of a branched network belong to which branch. Found from the edges alone, so it works for any
 * network of this form: branches share nothing but network inputs, and the output depends on nothing but the merge
 * vertex that joins them.
 *
 * @param branches the branches, in the order in which the merge vertex reads them
 * @param head the merge vertex and what follows it, in topological order
 */
public record BranchLayout(List<Branch> branches, List<String> head) {

    /**
     * One branch.
     *
     * @param inputs the network inputs that it reads, in their order
     * @param vertices its vertices in topological order; the last one is what the merge vertex reads
     */
    public record Branch(List<String> inputs, List<String> vertices) {
        public Branch {
            inputs = List.copyOf(inputs);
            vertices = List.copyOf(vertices);
        }

        /** The vertex whose activations leave the branch. */
        public String output() {
            return vertices.get(vertices.size() - 1);
        }
    }

    public BranchLayout {
        branches = List.copyOf(branches);
        head = List.copyOf(head);
    }

    /**
     * Finds the branches.
     *
     * @throws IllegalArgumentException if the network is not branched; the message names the vertex that shows it
     */
    public static BranchLayout of(ComputationGraphConfiguration configuration) {
        ConfigurationDag dag = new ConfigurationDag(Given.notNull("configuration", configuration));
        List<String> head = head(configuration, dag);
        List<Branch> branches = new ArrayList<>();
        Map<String, Integer> branchOf = new HashMap<>();
        for (String output : dag.inputs(head.get(0))) {
            if (dag.isInput(output)) {
                throw notBranched("vertex '" + head.get(0) + "' reads the input '" + output + "' itself");
            }
            Branch branch = branch(configuration, dag, output);
            for (String vertex : branch.vertices()) {
                Integer other = branchOf.put(vertex, branches.size());
                if (other != null) {
                    throw notBranched(
                            "vertex '" + vertex + "' belongs to the branches " + other + " and " + branches.size());
                }
            }
            branches.add(branch);
        }
        requireNothingElse(dag, head, branchOf.keySet());
        return new BranchLayout(branches, head);
    }

    /** Walks back from the output to where the network has several inputs. */
    private static List<String> head(ComputationGraphConfiguration configuration, ConfigurationDag dag) {
        if (configuration.getNetworkOutputs().size() != 1) {
            throw notBranched("it has the outputs " + configuration.getNetworkOutputs());
        }
        List<String> head = new ArrayList<>();
        String name = configuration.getNetworkOutputs().get(0);
        while (!(dag.vertex(name) instanceof MergeVertex)) {
            if (dag.inputs(name).size() != 1) {
                throw notBranched(
                        dag.isInput(name)
                                ? "it is a chain without a merge vertex"
                                : "vertex '" + name + "' has several inputs and is no merge vertex");
            }
            head.add(name);
            name = dag.inputs(name).get(0);
        }
        head.add(name);
        Collections.reverse(head);
        return head;
    }

    private static Branch branch(ComputationGraphConfiguration configuration, ConfigurationDag dag, String output) {
        Set<String> all = dag.upTo(output);
        List<String> vertices = new ArrayList<>(dag.order());
        vertices.retainAll(all);
        vertices.remove(output);
        vertices.add(output);
        List<String> inputs = new ArrayList<>(configuration.getNetworkInputs());
        inputs.retainAll(all);
        return new Branch(inputs, vertices);
    }

    private static void requireNothingElse(ConfigurationDag dag, List<String> head, Set<String> inBranches) {
        Set<String> others = new TreeSet<>(dag.order());
        others.removeAll(head);
        others.removeAll(inBranches);
        if (!others.isEmpty()) {
            throw notBranched("the vertices " + others + " do not lead to its output");
        }
    }

    private static IllegalArgumentException notBranched(String reason) {
        return new IllegalArgumentException("This network has no independent branches: " + reason
                + "; BranchSplitter makes a network with branches");
    }
}
