package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.NoPlanException;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.PlanOptions;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntPredicate;

/** Says why there is no plan, what binds, and what would be possible. */
public final class PlanErrors {
    private PlanErrors() {}

    /** No plan fits into the devices; these would, if they had memory enough. */
    public static NoPlanException outOfMemory(List<PartitionPlan> plans, Devices devices) {
        Map<String, Long> available = new LinkedHashMap<>();
        devices.list().forEach(device -> available.put(device.id(), device.memoryBytes()));
        PartitionPlan smallest = null;
        Stage tightest = null;
        double least = Double.POSITIVE_INFINITY;
        for (PartitionPlan plan : plans) {
            Stage stage = tightest(plan, available);
            double share = share(plan, stage, available);
            if (share < least) {
                least = share;
                smallest = plan;
                tightest = stage;
            }
        }
        if (smallest == null || tightest == null) {
            return new NoPlanException(
                    "No plan has the stages and replicas that are asked for; leave one of them to the planner");
        }
        return new NoPlanException(String.format(
                Locale.ROOT,
                "No plan fits into memory: even that which needs least (%s) needs %.1f MB on device %s, which has"
                        + " %.1f MB, for %s; use a smaller batch, more devices, ones with more memory, or"
                        + " tiles if it has convolutions on large images",
                smallest.summary(),
                memoryBytes(smallest, tightest) / 1e6,
                tightest.device().id(),
                available.getOrDefault(tightest.device().id(), 0L) / 1e6,
                stageName(smallest, tightest)));
    }

    private static Stage tightest(PartitionPlan plan, Map<String, Long> available) {
        return plan.stages().stream()
                .max(Comparator.comparingDouble(stage -> share(plan, stage, available)))
                .orElseThrow();
    }

    private static double share(PartitionPlan plan, Stage stage, Map<String, Long> available) {
        long has = available.getOrDefault(stage.device().id(), stage.device().memoryBytes());
        return (double) memoryBytes(plan, stage) / has;
    }

    /** What a stage and those that share its device need. */
    private static long memoryBytes(PartitionPlan plan, Stage stage) {
        return plan.stages().stream()
                .filter(other -> other.device().id().equals(stage.device().id()))
                .mapToLong(Stage::memoryBytes)
                .sum();
    }

    /**
     * No plan meets the deadline.
     *
     * @param possible whether one would with a number of examples
     */
    public static NoPlanException tooLate(List<PartitionPlan> plans, PlanOptions options, IntPredicate possible) {
        PartitionPlan nearest = plans.stream()
                .min(Comparator.comparing(PartitionPlan::latestExecutionTime))
                .orElseThrow();
        Stage slowest = nearest.stages().stream()
                .max(Comparator.comparingDouble(
                        stage -> (stage.forwardMillis() + stage.backwardMillis()) / stage.replicas()))
                .orElseThrow();
        int smaller = nearest.examples() / 2;
        while (smaller >= 1 && !possible.test(smaller)) {
            smaller /= 2;
        }
        String remedy = smaller < 1 ? "" : ", or use batches of " + smaller + " examples";
        return new NoPlanException(String.format(
                Locale.ROOT,
                "No plan meets the deadline of %.1f ms: the best latest execution time is %.1f ms (%s), bound by %s on"
                        + " device %s; allow %.1f ms%s",
                millis(options.deadline().orElseThrow()),
                millis(nearest.latestExecutionTime()),
                nearest.summary(),
                stageName(nearest, slowest),
                slowest.device().id(),
                Math.ceil(10 * millis(nearest.latestExecutionTime())) / 10,
                remedy));
    }

    private static String stageName(PartitionPlan plan, Stage stage) {
        List<String> names = stage.vertices();
        String range = names.size() == 1 ? names.get(0) : names.get(0) + " to " + names.get(names.size() - 1);
        return "stage " + plan.stages().indexOf(stage) + " (" + range + ")";
    }

    private static double millis(Duration time) {
        return time.toNanos() / 1e6;
    }
}
