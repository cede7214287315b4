package io.github.dl4jpipeline.fuzz;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.plan.TilePlan;
import io.github.dl4jpipeline.internal.plan.TilePlanner;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.List;
import java.util.stream.IntStream;

/** A profile that is read can be planned for, or the planner says why not. */
final class ProfileContract {
    private static final long LITTLE = 100_000;

    private ProfileContract() {}

    /** A profile as {@link GraphProfile#save} writes it. */
    static void json(byte[] content) {
        FileContract.check("profile.json", content, GraphProfile::load, ProfileContract::plan);
    }

    /** A profile of PipeDream's. */
    static void pipeDream(byte[] content) {
        FileContract.check("graph.txt", content, GraphProfile::readPipeDream, ProfileContract::plan);
    }

    private static void plan(GraphProfile profile) {
        for (Devices devices : List.of(devices(2, Long.MAX_VALUE), devices(4, Long.MAX_VALUE), devices(2, LITTLE))) {
            orRefused(profile, () -> requirePlan(profile, Planner.plan(profile, devices, PlanOptions.defaults())));
            orRefused(profile, () -> requireNumbers(TilePlanner.plan(profile, devices, PlanOptions.defaults())));
        }
    }

    private static void requirePlan(GraphProfile profile, PartitionPlan plan) {
        List<String> planned = plan.stages().stream()
                .flatMap(stage -> stage.vertices().stream())
                .toList();
        List<String> all =
                profile.vertices().stream().map(VertexCost::vertex).sorted().toList();
        if (!planned.stream().sorted().toList().equals(all)) {
            throw new IllegalStateException("planned " + planned + " of " + all);
        }
        for (Stage stage : plan.stages()) {
            if (!(stage.forwardMillis() + stage.backwardMillis() < Double.POSITIVE_INFINITY)
                    || stage.memoryBytes() < 0) {
                throw new IllegalStateException("no numbers: " + stage);
            }
        }
        if (plan.predictedStepTime().isNegative() || hasNaN(plan.explain(), profile)) {
            throw new IllegalStateException("no numbers: " + plan.explain());
        }
    }

    private static void requireNumbers(TilePlan plan) {
        if (!(plan.stepMillis() >= 0) || plan.deviceBytes() < 0 || plan.cost().repeated() < 0) {
            throw new IllegalStateException("no numbers: " + plan.explain());
        }
    }

    /** Whether a text has it elsewhere than in the name of a vertex. */
    private static boolean hasNaN(String text, GraphProfile profile) {
        String left = text;
        for (VertexCost cost : profile.vertices()) {
            left = cost.vertex().contains("NaN") ? left.replace(cost.vertex(), "") : left;
        }
        return left.contains("NaN");
    }

    private static void orRefused(GraphProfile profile, Runnable planning) {
        try {
            planning.run();
        } catch (IllegalArgumentException e) {
            if (e.getMessage() == null || hasNaN(e.getMessage(), profile)) {
                throw new IllegalStateException("refused without a reason", e);
            }
        }
    }

    private static Devices devices(int count, long memoryBytes) {
        return new Devices(IntStream.range(0, count)
                .mapToObj(core -> new Device("d" + core, Device.Kind.CPU, List.of(core), memoryBytes, 1))
                .toList());
    }
}
