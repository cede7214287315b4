package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.internal.exception.Given;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * Takes a branched network apart, and joins the parts again.
 *
 * <pre>{@code
 * for (BranchPart part : BranchParts.of(graph)) {
 *     part.save(directory.resolve(part.title().replace(' ', '-') + ".zip"));
 * }
 * }</pre>
 */
public final class BranchParts {
    private BranchParts() {}

    /**
     * The branches, in the order in which they are merged, and the head, which follows them. Parameters are copied; state
     * of the updater is left out.
     *
     * @param branched an initialised graph
     * @throws IllegalArgumentException if it is not branched
     */
    public static List<BranchPart> of(ComputationGraph branched) {
        ComputationGraphConfiguration configuration =
                Given.notNull("branched", branched).getConfiguration();
        BranchLayout layout = BranchLayout.of(configuration);
        String network = PartIdentity.checksum(branched);
        int branches = layout.branches().size();
        List<BranchPart> parts = new ArrayList<>();
        for (BranchLayout.Branch branch : layout.branches()) {
            PartIdentity identity = new PartIdentity(network, branches, parts.size(), configuration.getNetworkInputs());
            parts.add(new BranchPart(identity, part(branched, branch.inputs(), branch.vertices())));
        }
        List<String> read =
                layout.branches().stream().map(BranchLayout.Branch::output).toList();
        PartIdentity head = new PartIdentity(network, branches, branches, configuration.getNetworkInputs());
        parts.add(new BranchPart(head, part(branched, read, layout.head())));
        return parts;
    }

    private static ComputationGraph part(ComputationGraph whole, List<String> inputs, List<String> names) {
        ComputationGraphConfiguration copy = Configurations.copy(whole.getConfiguration());
        Map<String, GraphVertex> vertices = new LinkedHashMap<>();
        Map<String, List<String>> vertexInputs = new LinkedHashMap<>();
        for (String name : names) {
            vertices.put(name, copy.getVertices().get(name));
            vertexInputs.put(name, copy.getVertexInputs().get(name));
        }
        String output = names.get(names.size() - 1);
        ComputationGraph part =
                new ComputationGraph(Configurations.of(copy, inputs, vertices, vertexInputs, List.of(output)));
        part.init();
        part.paramTable().forEach((name, array) -> array.assign(whole.getParam(name)));
        return part;
    }

    /**
     * Joins parts to the network that they are of.
     *
     * @param parts all parts, in any order
     * @throws IllegalArgumentException if one is missing, there twice, or of another network; the message names it
     */
    public static ComputationGraph join(List<BranchPart> parts) {
        List<BranchPart> inOrder = inOrder(Given.list("parts", parts));
        try {
            return whole(inOrder);
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(
                    "Parts do not match: "
                            + inOrder.stream().map(BranchPart::titleAndFile).collect(Collectors.joining(", "))
                            + " make no network together: " + e.getMessage(),
                    e);
        }
    }

    private static ComputationGraph whole(List<BranchPart> inOrder) {
        BranchPart head = inOrder.get(inOrder.size() - 1);
        Map<String, GraphVertex> vertices = new LinkedHashMap<>();
        Map<String, List<String>> vertexInputs = new LinkedHashMap<>();
        for (BranchPart part : inOrder) {
            ComputationGraphConfiguration copy =
                    Configurations.copy(part.graph().getConfiguration());
            copy.getVertices().forEach((name, vertex) -> {
                if (vertices.put(name, vertex) != null) {
                    throw new IllegalArgumentException("two have a vertex '" + name + "'");
                }
            });
            vertexInputs.putAll(copy.getVertexInputs());
        }
        ComputationGraphConfiguration settings = head.graph().getConfiguration();
        ComputationGraph whole = new ComputationGraph(Configurations.of(
                settings, head.identity().networkInputs(), vertices, vertexInputs, settings.getNetworkOutputs()));
        whole.init();
        for (BranchPart part : inOrder) {
            part.graph().paramTable().forEach(whole::setParam);
        }
        return whole;
    }

    private static List<BranchPart> inOrder(List<BranchPart> parts) {
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("There are no parts to join");
        }
        PartIdentity first = parts.get(0).identity();
        Map<Integer, BranchPart> places = new HashMap<>();
        for (BranchPart part : parts) {
            PartIdentity identity = part.identity();
            if (!identity.network().equals(first.network()) || identity.branches() != first.branches()) {
                throw new IllegalArgumentException(
                        "Parts do not match: " + part.titleAndFile() + " is of another network than "
                                + parts.get(0).titleAndFile() + "; take the parts of one network at one time");
            }
            if (places.put(identity.index(), part) != null) {
                throw new IllegalArgumentException("Parts do not match: " + part.titleAndFile() + " is there twice");
            }
        }
        List<BranchPart> inOrder = new ArrayList<>();
        for (int i = 0; i <= first.branches(); i++) {
            if (!places.containsKey(i)) {
                String missing = new PartIdentity(first.network(), first.branches(), i, first.networkInputs()).title();
                throw new IllegalArgumentException("Parts do not match: " + missing + " is missing");
            }
            inOrder.add(places.get(i));
        }
        return inOrder;
    }
}
