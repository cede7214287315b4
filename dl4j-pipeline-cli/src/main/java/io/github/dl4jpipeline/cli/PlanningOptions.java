package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.Failures;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.plan.TilePlan;
import io.github.dl4jpipeline.internal.plan.TilePlanner;
import io.github.dl4jpipeline.internal.profile.JointDevice;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.ClusterPlan;
import io.github.dl4jpipeline.plan.ClusterPlanner;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What is planned, and for what. */
final class PlanningOptions {
    @Mixin
    private final ModelOptions modelOptions = new ModelOptions();

    @Option(
            names = "--profile",
            paramLabel = "FILE",
            description =
                    "Plan for this profile instead of measuring the model: JSON as the subcommand profile writes it,"
                            + " or a PipeDream graph.txt, whose whole batch counts as one example.")
    private @Nullable Path profile;

    @Option(
            names = "--bandwidth",
            paramLabel = "BYTES_PER_S|Ngbit|inf",
            defaultValue = "inf",
            description =
                    "Of each device's or machine's link, such as 1e9 or 10gbit. Default: ${DEFAULT-VALUE}, transfers take no"
                            + " time.")
    private String bandwidth = "inf";

    @Option(names = "--memory", paramLabel = "BYTES", description = "Memory of each device. Default: no limit.")
    private @Nullable Long memory;

    @Option(
            names = "--micro-batches",
            paramLabel = "N",
            description = "Number of micro-batches of a batch. Default: the best.")
    private @Nullable Integer microBatches;

    @Mixin
    private final ScheduleOption schedule = new ScheduleOption();

    @Mixin
    private final MachineOptions machines = new MachineOptions();

    @Option(
            names = "--estimate",
            paramLabel = "NAME",
            completionCandidates = EstimatedNetwork.Names.class,
            description =
                    "Plan for a network as large as one of ${COMPLETION-CANDIDATES}, whose times follow from its number of"
                            + " operations; nothing is measured.")
    private @Nullable String estimate;

    @Option(
            names = "--gflops",
            paramLabel = "N",
            defaultValue = "50",
            description =
                    "With --estimate: billions of operations that a core does in a second. Default: ${DEFAULT-VALUE}.")
    private double gflops = 50;

    @Option(names = "--straight", description = "A pipeline of stages without replicas.")
    private boolean straight;

    /** Reads the profile, or measures the model. */
    GraphProfile profile(PrintWriter err) {
        if (profile != null && estimate != null) {
            throw new InputException("--estimate and --profile exclude each other");
        }
        if (profile != null) {
            return read(profile);
        }
        if (estimate != null) {
            if (!(gflops > 0 && gflops <= 1e6)) {
                throw new InputException("--gflops must be more than 0 and at most 1000000, got " + gflops);
            }
            try {
                return EstimatedNetwork.profile(estimate, gflops);
            } catch (IllegalArgumentException e) {
                throw new InputException("--estimate: " + e.getMessage(), e);
            }
        }
        NamedModel model = NamedModel.of(modelOptions.model(), modelOptions.seed());
        int examples = GraphProfiler.usualExamples(modelOptions.batch());
        try {
            return MeasuredProfile.of(model, examples, modelOptions.seed(), err);
        } catch (IllegalArgumentException e) {
            throw new InputException(model.name() + ": " + e.getMessage(), e);
        }
    }

    private static GraphProfile read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new InputException("--profile: profile " + file
                    + (Files.exists(file) ? " is not a file" : " does not exist; `profile --out` writes one"));
        }
        try {
            return isPipeDream(file) ? GraphProfile.readPipeDream(file) : GraphProfile.load(file);
        } catch (IllegalArgumentException e) {
            String hint = isPipeDream(file) ? "" : " (one of PipeDream's has a name that ends in .txt)";
            throw new InputException("--profile: " + e.getMessage() + hint, e);
        } catch (UncheckedIOException e) {
            throw new InputException(
                    "--profile: cannot read profile " + file + ": " + Failures.reason(e.getCause()), e);
        }
    }

    private static boolean isPipeDream(Path file) {
        return file.toString().endsWith(".txt");
    }

    /**
     * A plan as a table for people.
     *
     * @param plan made from the profile that this gives
     */
    String explain(PartitionPlan plan) {
        if (profile == null || !isPipeDream(profile)) {
            return plan.explain();
        }
        String file = String.valueOf(profile.getFileName());
        return plan.withNote("the times in " + file + " are of a whole profiled batch; a step here is "
                        + plan.examples() + " such batches (--batch)")
                .explain("profiled batch", "profiled batches");
    }

    /**
     * The plan.
     *
     * @param devices number of devices like the one that was profiled, with caches and memory of their own; empty for this
     *     machine, if the profile is of one like it
     * @param stages number of stages; empty for the best
     */
    PartitionPlan plan(GraphProfile measured, OptionalInt devices, OptionalInt stages) {
        PlanOptions options = options().withStages(stages);
        return devices.isPresent()
                ? plan(measured.forSeparateDevices(), devices(devices.getAsInt()), options)
                : plan(measured, devicesFor(measured), options);
    }

    /** Whether the plan is for machines. */
    boolean isForMachines(boolean devicesGiven) {
        if (machines.given() && devicesGiven) {
            throw new InputException(
                    "--machines and --devices exclude each other; --cores says how many a machine has");
        }
        return machines.given();
    }

    /** The numbers of machines. */
    List<Integer> machines() {
        return machines.numbers();
    }

    /** The plan for so many machines. */
    ClusterPlan clusterPlan(GraphProfile measured, int number, OptionalInt stages) {
        PlanOptions options = options().withStages(stages);
        try {
            return ClusterPlanner.plan(
                    measured,
                    machines.of(number, bytesPerSecond(), memory),
                    straight ? options.withReplicas(1) : options);
        } catch (IllegalArgumentException e) {
            throw new InputException(e.getMessage(), e);
        }
    }

    private Devices devicesFor(GraphProfile measured) {
        Devices here = Devices.cpu();
        int threads = JointDevice.of(here).threads();
        boolean alike = memory == null && measured.machine().jointThreads() == threads;
        return alike ? here : devices(threads);
    }

    /** The fastest tiles for so many devices, or for this machine. */
    TilePlan tiles(GraphProfile measured, OptionalInt count) {
        Devices on = count.isPresent() ? devices(count.getAsInt()) : devicesFor(measured);
        try {
            return TilePlanner.plan(measured, on, options());
        } catch (IllegalArgumentException e) {
            throw new InputException("--tiles: " + e.getMessage(), e);
        }
    }

    private PlanOptions options() {
        return PlanOptions.defaults()
                .withExamples(modelOptions.batch())
                .withMicroBatches(Options.requirePositiveIfGiven("--micro-batches", microBatches))
                .withSchedule(schedule.choice())
                .withBytesPerSecond(bytesPerSecond());
    }

    private PartitionPlan plan(GraphProfile measured, Devices devices, PlanOptions options) {
        try {
            return Planner.plan(measured, devices, straight ? options.withReplicas(1) : options);
        } catch (IllegalArgumentException e) {
            throw new InputException(e.getMessage(), e);
        }
    }

    private Devices devices(int count) {
        if (memory != null && memory < 1) {
            throw new InputException("--memory must be at least 1, got " + memory);
        }
        long bytes = memory == null ? Long.MAX_VALUE : memory;
        return new Devices(IntStream.range(0, count)
                .mapToObj(i -> new Device("device-" + i, Device.Kind.CPU, List.of(0), bytes, 1))
                .toList());
    }

    private double bytesPerSecond() {
        if (bandwidth.equals("inf")) {
            return Double.POSITIVE_INFINITY;
        }
        double value = MachineOptions.bytesPerSecond(bandwidth);
        if (value > 0) {
            return value;
        }
        throw new InputException("--bandwidth must be positive, got " + bandwidth);
    }
}
