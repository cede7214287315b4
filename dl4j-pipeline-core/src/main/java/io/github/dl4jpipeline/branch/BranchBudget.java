package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.exception.Given;

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

    /**
     * What fits each of some devices: the memory of the smallest.
     *
     * @param multiplyAdds that a device may spend on one example
     */
    public static BranchBudget ofSmallest(Devices devices, long multiplyAdds) {
        long memory = Given.notNull("devices", devices).list().stream()
                .mapToLong(Device::memoryBytes)
                .min()
                .orElseThrow();
        return new BranchBudget(memory, multiplyAdds);
    }

    boolean allows(BranchCost cost) {
        return cost.memoryBytes() <= memoryBytes && cost.multiplyAdds() <= multiplyAdds;
    }
}
