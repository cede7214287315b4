package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.io.Json;
import io.github.dl4jpipeline.cli.io.OutputFile;
import io.github.dl4jpipeline.internal.partition.Bytes;
import io.github.dl4jpipeline.internal.partition.TextTable;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.GraphProfile;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Predicts how training gets faster with more devices. */
@Command(
        name = "simulate",
        description = "Plans for several numbers of devices and simulates a step on each. Simulated, not measured.",
        footerHeading = Main.EXAMPLES,
        footer = {
            "  dl4j-pipeline simulate --model lenet --devices 1,2,4,8",
            "  dl4j-pipeline simulate --profile resnet50.json --bandwidth 1e9",
            "  dl4j-pipeline simulate --machines 1,8,64 --cores 16 --estimate vgg16"
        },
        mixinStandardHelpOptions = true,
        abbreviateSynopsis = true,
        sortOptions = false)
final class SimulateCommand implements Callable<Integer> {
    /** Characters in a line of its tables. */
    static final int WIDTH = 80;

    /** What columns of its tables mean. */
    static final String TERMS =
            format("Simulated. times: as fast as one. bubble: share of a step in which workers wait.%n"
                    + "  micro: micro-batches. memory: of the device that needs most.%n");

    @Mixin
    private final PlanningOptions planning = new PlanningOptions();

    @Option(
            names = "--devices",
            paramLabel = "N,N,…",
            split = ",",
            description = "Numbers of devices like the one that was profiled, each with caches and memory of its own."
                    + " Default: 1,2,4,8.")
    private @Nullable List<Integer> devices;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there.")
    private @Nullable Path json;

    @Spec
    private CommandSpec spec;

    /** What {@code simulate --json} writes. */
    record Figures(List<Run> runs) {}

    /** One number of devices; {@code bound} is the speed-up that very many micro-batches come near to. */
    record Run(
            int devices,
            double stepMillis,
            double speedup,
            double bubble,
            String kind,
            String schedule,
            int stages,
            int microBatches,
            double bound,
            long memoryBytes) {}

    @Override
    public Integer call() {
        List<Integer> counts = devices == null ? List.of(1, 2, 4, 8) : devices;
        if (counts.isEmpty()) {
            throw new InputException("--devices needs at least one number");
        }
        counts.forEach(count -> Options.requirePositive("--devices", count));
        boolean forMachines = planning.isForMachines(devices != null);
        Optional<OutputFile> jsonFile = Optional.ofNullable(json).map(path -> OutputFile.probe("--json", path));
        GraphProfile profile = planning.profile(spec.commandLine().getErr());
        if (forMachines) {
            MachineRuns runs = MachineRuns.of(planning, profile);
            jsonFile.ifPresent(file -> Json.write(file, runs));
            print(runs.table());
            return 0;
        }
        List<Run> runs = new ArrayList<>();
        for (int count : counts) {
            runs.add(run(count, planning.plan(profile, OptionalInt.of(count), OptionalInt.empty())));
        }
        jsonFile.ifPresent(file -> Json.write(file, new Figures(runs)));
        print(table(runs));
        return 0;
    }

    private void print(String table) {
        PrintWriter stdout = spec.commandLine().getOut();
        stdout.print(table);
        stdout.flush();
    }

    private static Run run(int devices, PartitionPlan plan) {
        double step = plan.predictedStepTime().toNanos() / 1e6;
        double one = plan.oneDeviceTime().toNanos() / 1e6;
        return new Run(
                devices,
                step,
                one / step,
                plan.bubble(),
                plan.kind().toString(),
                plan.schedule().name(),
                plan.stages().size(),
                plan.microBatches(),
                one / (plan.bottleneckMillis() * plan.microBatches()),
                plan.stages().stream().mapToLong(Stage::memoryBytes).max().orElse(0));
    }

    private static String table(List<Run> runs) {
        TextTable table =
                new TextTable("devices", "step ms", "times", "bound", "bubble", "micro", "stages", "memory", "plan");
        for (Run run : runs) {
            table.row(
                    String.valueOf(run.devices()),
                    format("%.1f", run.stepMillis()),
                    format("%.2f", run.speedup()),
                    format("%.2f", run.bound()),
                    format("%.0f %%", 100 * run.bubble()),
                    String.valueOf(run.microBatches()),
                    String.valueOf(run.stages()),
                    Bytes.text(run.memoryBytes()),
                    run.kind() + (run.stages() > 1 ? ", " + run.schedule() : ""));
        }
        return table.within(WIDTH) + TERMS + format("  bound: times that very many micro-batches come near to.%n");
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }
}
