package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.plan.TilePlan;
import io.github.dl4jpipeline.internal.plan.TilePlanner;
import io.github.dl4jpipeline.internal.profile.JointDevice;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import java.io.PrintWriter;
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
                            + " or a PipeDream graph.txt, whose batch counts as one example.")
    private @Nullable Path profile;

    @Option(
            names = "--bandwidth",
            paramLabel = "BYTES_PER_S|inf",
            defaultValue = "inf",
            description = "Of each device's link. Default: ${DEFAULT-VALUE}, transfers take no time.")
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

    @Option(names = "--straight", description = "A pipeline of stages without replicas.")
    private boolean straight;

    /** Reads the profile, or measures the model. */
    GraphProfile profile(PrintWriter err) {
        try {
            if (profile != null) {
                return profile.toString().endsWith(".txt")
                        ? GraphProfile.readPipeDream(profile)
                        : GraphProfile.load(profile);
            }
            NamedModel model = NamedModel.of(modelOptions.model(), modelOptions.seed());
            int examples = GraphProfiler.usualExamples(modelOptions.batch());
            err.println("Profiling " + model.name() + " with " + examples + " examples");
            err.flush();
            return GraphProfiler.profile(
                    model.graph(), RandomBatch.of(model.shape().ofOneStep(), examples, modelOptions.seed()));
        } catch (IllegalArgumentException e) {
            throw new InputException(e.getMessage(), e);
        }
    }

    /** The plan for this machine, if the profile is of one like it; otherwise for devices like the one that was profiled. */
    PartitionPlan plan(GraphProfile measured) {
        return plan(measured, devicesFor(measured));
    }

    private Devices devicesFor(GraphProfile measured) {
        Devices here = Devices.cpu();
        int threads = JointDevice.of(here).threads();
        boolean alike = memory == null && measured.machine().jointThreads() == threads;
        return alike ? here : devices(threads);
    }

    /** The plan for so many devices like the one that was profiled, with caches and memory of their own. */
    PartitionPlan plan(GraphProfile measured, int devices) {
        return plan(measured.forSeparateDevices(), devices(devices));
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

    private PartitionPlan plan(GraphProfile measured, Devices devices) {
        PlanOptions options = options();
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
        try {
            double value = Double.parseDouble(bandwidth);
            if (value > 0) {
                return value;
            }
        } catch (NumberFormatException e) {
            throw new InputException("--bandwidth must be a number or inf, got " + bandwidth, e);
        }
        throw new InputException("--bandwidth must be positive, got " + bandwidth);
    }
}
