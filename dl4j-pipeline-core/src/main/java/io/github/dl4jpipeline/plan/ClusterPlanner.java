package io.github.dl4jpipeline.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.NoPlanException;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Plans the training of a graph on several machines, as {@link Planner} does on one. Machines are like the one that was profiled, but
 * for the number of their cores. Two ways to use the cores are tried: one worker for each machine, and one for each core.
 */
public final class ClusterPlanner {
    /** More workers for single cores are not tried: the search takes time in proportion to their square. */
    private static final int MOST_WORKERS_FOR_CORES = 64;

    private ClusterPlanner() {}

    /**
     * The plan with the shortest predicted step. Of plans that are as good, that with fewer machines.
     *
     * @throws IllegalArgumentException if more stages are asked for than the graph has vertices
     * @throws NoPlanException if no plan fits into the machines' memory, or none meets the deadline
     */
    public static ClusterPlan plan(GraphProfile profile, Cluster cluster, PlanOptions options) {
        Given.notNull("profile", profile);
        Given.notNull("options", options);
        Optional<ClusterPlan> one =
                best(profile, Given.notNull("cluster", cluster).of(1), options);
        Optional<PartitionPlan> oneMachine = one.map(ClusterPlan::plan);
        if (cluster.machines() == 1 && one.isEmpty()) {
            return withWorkers(profile, cluster, options, 1); // says why there is none
        }
        Optional<ClusterPlan> several = cluster.machines() == 1 ? one : best(profile, cluster, options);
        ClusterPlan chosen = fastest(List.of(one, several))
                .orElseGet(() -> withWorkers(profile, cluster, options, 1)); // says why there is none
        return new ClusterPlan(cluster, chosen.plan(), chosen.workersPerMachine(), oneMachine);
    }

    private static Optional<ClusterPlan> best(GraphProfile profile, Cluster cluster, PlanOptions options) {
        List<Optional<ClusterPlan>> plans = new ArrayList<>();
        plans.add(ifAny(profile, cluster, options, 1));
        if (cluster.cores() > 1 && cluster.machines() * cluster.cores() <= MOST_WORKERS_FOR_CORES) {
            plans.add(ifAny(profile, cluster, options, cluster.cores()));
        }
        return fastest(plans);
    }

    private static Optional<ClusterPlan> fastest(List<Optional<ClusterPlan>> plans) {
        return plans.stream()
                .flatMap(Optional::stream)
                .min(Comparator.comparing((ClusterPlan plan) -> plan.plan().predictedStepTime())
                        .thenComparing(ClusterPlan::machines));
    }

    private static Optional<ClusterPlan> ifAny(
            GraphProfile profile, Cluster cluster, PlanOptions options, int workersPerMachine) {
        try {
            return Optional.of(withWorkers(profile, cluster, options, workersPerMachine));
        } catch (NoPlanException e) {
            return Optional.empty();
        }
    }

    private static ClusterPlan withWorkers(
            GraphProfile profile, Cluster cluster, PlanOptions options, int workersPerMachine) {
        int threads = cluster.cores() / workersPerMachine;
        int workers = cluster.machines() * workersPerMachine;
        Devices devices =
                workers(workers, threads, speed(profile, threads, options), cluster.memoryBytes() / workersPerMachine);
        PartitionPlan plan = Planner.plan(
                threads == 1 ? profile : profile.forSeparateDevices(),
                devices,
                options.withMachines(cluster.links(workersPerMachine)));
        return new ClusterPlan(cluster, plan, workersPerMachine, Optional.empty());
    }

    /** Workers that are alike. */
    private static Devices workers(int count, int threads, double speed, long memoryBytes) {
        List<Integer> cores = IntStream.range(0, threads).boxed().toList();
        return new Devices(IntStream.range(0, count)
                .mapToObj(worker -> new Device("worker-" + worker, Device.Kind.CPU, cores, memoryBytes, speed))
                .toList());
    }

    /**
     * Speed of operations that have so many threads, in units of the profiled device. Where another number was measured, each
     * further thread is as good as those were on average; where none was, as good as the first.
     */
    public static double speed(GraphProfile profile, int threads, PlanOptions options) {
        int measured = profile.machine().jointThreads();
        if (threads == 1 || measured == 1) {
            return threads;
        }
        double ofMeasured = profile.jointSpeed(options.examples().orElse(profile.examples()));
        return Math.max(1, 1 + (ofMeasured - 1) / (measured - 1) * (threads - 1));
    }
}
