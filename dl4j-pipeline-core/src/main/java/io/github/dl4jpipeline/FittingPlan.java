package io.github.dl4jpipeline;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.DeviceMemoryException;
import io.github.dl4jpipeline.internal.memory.StageBytes;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Plans for devices with memory of their own, whose stages fit as counted and not only as predicted.
 *
 * <p>The planner knows the training state of every vertex and the sizes of activations. Working memory depends on the stages
 * and is counted for a finished plan. If a stage turns out too large, the planner is asked again, with as much less memory as
 * the stage's count was above its prediction.
 *
 * @param planner makes a plan that it predicts to fit, or throws {@link IllegalArgumentException} if there is none
 * @param count gives the stages of a plan the bytes that they take
 */
record FittingPlan(Devices devices, Function<Devices, PartitionPlan> planner, UnaryOperator<PartitionPlan> count) {
    private static final int MOST_PLANS = 6;

    /** More than rounding, so that each plan differs from the one before. */
    private static final double STEP = 1.02;

    /**
     * The first plan that fits, as counted.
     *
     * @param first a plan of the planner for all memory
     * @throws DeviceMemoryException if none does; of the first plan
     */
    PartitionPlan find(PartitionPlan first) {
        PartitionPlan counted = count.apply(first);
        DeviceMemoryException refusal = refusal(counted);
        if (refusal == null) {
            return counted;
        }
        double excess = excess(refusal.stage(), first, counted);
        for (int made = 1; made < MOST_PLANS; made++) {
            PartitionPlan planned;
            try {
                planned = onDevices(planner.apply(withLess(excess)));
            } catch (IllegalArgumentException none) {
                refusal.addSuppressed(none);
                break;
            }
            counted = count.apply(planned);
            DeviceMemoryException again = refusal(counted);
            if (again == null) {
                return counted;
            }
            excess = Math.max(STEP * excess, excess(again.stage(), planned, counted));
        }
        throw refusal;
    }

    private static @Nullable DeviceMemoryException refusal(PartitionPlan counted) {
        try {
            StageBytes.require(counted);
            return null;
        } catch (DeviceMemoryException e) {
            return e;
        }
    }

    /** How many times as much as predicted a stage takes. */
    private static double excess(int stage, PartitionPlan predicted, PartitionPlan counted) {
        double bytes = counted.stages().get(stage).memoryBytes();
        return Math.max(1, bytes / Math.max(1, predicted.stages().get(stage).memoryBytes()));
    }

    private Devices withLess(double excess) {
        return new Devices(devices.list().stream()
                .map(device -> new Device(
                        device.id(),
                        device.kind(),
                        device.cores(),
                        (long) (StageBytes.there(device) / excess),
                        device.relativeSpeed()))
                .toList());
    }

    /** The plan with the devices as they are. */
    private PartitionPlan onDevices(PartitionPlan plan) {
        return plan.withStages(plan.stages().stream().map(this::onDevices).toList());
    }

    private Stage onDevices(Stage stage) {
        return stage.on(stage.devices().stream()
                .map(planned -> devices.list().stream()
                        .filter(device -> device.id().equals(planned.id()))
                        .findFirst()
                        .orElseThrow())
                .toList());
    }
}
