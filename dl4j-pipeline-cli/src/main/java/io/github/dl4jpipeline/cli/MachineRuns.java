package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.internal.partition.TextTable;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.ClusterPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What {@code simulate --machines} predicts for several numbers of machines. */
record MachineRuns(List<MachineRun> runs) {
    private static final String TERMS =
            format("  used: more machines are not faster. sent: of a micro-batch, at most between%n"
                    + "  two stages. plan: in brackets the replicas of its stages.%n");

    /**
     * One number of machines.
     *
     * @param machines how many there are
     * @param used how many of them are faster than fewer
     * @param speedup beside one machine; null if it has too little memory
     * @param replicas of each stage
     * @param sentBytes activations of a micro-batch at the cut where most cross
     * @param memoryBytes of the worker that needs most
     */
    record MachineRun(
            int machines,
            int used,
            int workersPerMachine,
            double stepMillis,
            @Nullable Double speedup,
            double bubble,
            String kind,
            String schedule,
            List<Integer> replicas,
            int microBatches,
            long sentBytes,
            long memoryBytes) {

        static MachineRun of(int machines, ClusterPlan cluster) {
            PartitionPlan plan = cluster.plan();
            return new MachineRun(
                    machines,
                    cluster.machines(),
                    cluster.workersPerMachine(),
                    cluster.stepMillis(),
                    cluster.speedUp().orElse(null),
                    plan.bubble(),
                    plan.kind().toString(),
                    plan.schedule().name(),
                    plan.stages().stream().map(Stage::replicas).toList(),
                    plan.microBatches(),
                    plan.stages().stream().mapToLong(Stage::sentBytes).max().orElse(0),
                    plan.stages().stream().mapToLong(Stage::memoryBytes).max().orElse(0));
        }
    }

    static MachineRuns of(PlanningOptions planning, GraphProfile profile) {
        List<MachineRun> runs = new ArrayList<>();
        for (int machines : planning.machines()) {
            runs.add(MachineRun.of(machines, planning.clusterPlan(profile, machines, OptionalInt.empty())));
        }
        return new MachineRuns(runs);
    }

    String table() {
        TextTable table =
                new TextTable("machines", "used", "step ms", "times", "bubble", "micro", "sent", "memory", "plan");
        for (MachineRun run : runs) {
            table.row(
                    String.valueOf(run.machines()),
                    String.valueOf(run.used()),
                    format("%.1f", run.stepMillis()),
                    run.speedup() == null ? "" : format("%.2f", run.speedup()),
                    format("%.0f %%", 100 * run.bubble()),
                    String.valueOf(run.microBatches()),
                    format("%.1f MB", run.sentBytes() / 1e6),
                    format("%.1f GB", run.memoryBytes() / 1e9),
                    run.kind() + " (" + replicas(run.replicas()) + ")");
        }
        return table.within(SimulateCommand.WIDTH) + SimulateCommand.TERMS + TERMS;
    }

    /** Such as {@code 14, 2} for two stages; many alike as {@code 16 of 1}. */
    private static String replicas(List<Integer> replicas) {
        boolean alike = replicas.stream().distinct().count() == 1;
        return alike && replicas.size() > 1
                ? replicas.size() + " of " + replicas.get(0)
                : replicas.stream().map(String::valueOf).collect(Collectors.joining(", "));
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
