package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.branch.BranchCost;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@code split --json} writes. Parameters are those that are trained.
 *
 * @param parameters of the whole branched network
 * @param memoryBytes of the device that needs most
 * @param parts the branches and the head
 */
record SplitFigures(
        String model,
        int branches,
        String classifier,
        List<Double> fattening,
        long parameters,
        long memoryBytes,
        Part original,
        List<Part> parts,
        String out) {

    /** One part of a network, or all of it. */
    record Part(String name, long parameters, long memoryBytes, long multiplyAdds) {
        static Part of(String name, BranchCost cost) {
            return new Part(name, cost.parameters(), cost.memoryBytes(), cost.multiplyAdds());
        }
    }

    /** @param costs of the branches and the head */
    static List<Part> parts(List<BranchCost> costs) {
        List<Part> parts = new ArrayList<>();
        for (int i = 0; i < costs.size() - 1; i++) {
            parts.add(Part.of("branch " + i, costs.get(i)));
        }
        parts.add(Part.of("head", costs.get(costs.size() - 1)));
        return parts;
    }
}
