package io.github.dl4jpipeline.plan;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.NoPlanException;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.plan.Finalists;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import java.util.List;

/**
 * Turns a profile into the plan with the shortest predicted step [from Al Maruf et al., J. Parallel and Distributed
 * Computing 190, 2024]. One search covers the numbers of stages, replicas, micro-batches and threads. One device and
 * pure data parallelism take part in it, so a pipeline is chosen only where it is expected to be faster. Where
 * nothing fits into memory, tiles are tried.
 */
public final class Planner {
    private Planner() {}

    /**
     * Plans the training of a profiled graph.
     *
     * @throws IllegalArgumentException if more stages are asked for than the graph has vertices
     * @throws NoPlanException if no plan fits into the devices' memory, or none meets the deadline; the message says what
     *     binds and what would be possible
     */
    public static PartitionPlan plan(GraphProfile profile, Devices devices, PlanOptions options) {
        return finalists(profile, devices, options).get(0);
    }

    /**
     * Plans that may be the fastest when they are measured, a few at most. The first is that of {@link #plan}. Then
     * comes the best of each other kind that is predicted to be nearly as fast.
     *
     * @throws IllegalArgumentException as {@link #plan}
     */
    public static List<PartitionPlan> finalists(GraphProfile profile, Devices devices, PlanOptions options) {
        return Finalists.of(
                Given.notNull("profile", profile),
                Given.notNull("devices", devices),
                Given.notNull("options", options));
    }

    /**
     * A plan with its stages and devices as they are, predicted anew.
     *
     * @param plan made for this graph and these devices, by whatever profile
     * @param profile of the same graph, taken at another time
     */
    public static PartitionPlan predict(
            PartitionPlan plan, GraphProfile profile, Devices devices, PlanOptions options) {
        return Finalists.predict(
                Given.notNull("plan", plan),
                Given.notNull("profile", profile),
                Given.notNull("devices", devices),
                Given.notNull("options", options));
    }
}
