package io.github.dl4jpipeline.branch;

/**
 * What one branch may cost.
 *
 * @param memoryBytes for parameters and the activations of one example
 * @param multiplyAdds multiply-add operations for one example
 */
public record BranchBudget(long memoryBytes, long multiplyAdds) {

    public BranchBudget {
        if (memoryBytes < 1 || multiplyAdds < 1) {
            throw new IllegalArgumentException("A branch's budget must be positive, got " + memoryBytes + " bytes and "
                    + multiplyAdds + " multiply-adds");
        }
    }

    boolean allows(BranchCost cost) {
        return cost.memoryBytes() <= memoryBytes && cost.multiplyAdds() <= multiplyAdds;
    }
}
