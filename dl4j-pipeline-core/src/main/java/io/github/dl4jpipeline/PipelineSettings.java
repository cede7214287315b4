package io.github.dl4jpipeline;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.ExampleCoupling;
import io.github.dl4jpipeline.kernel.Kernels;
import io.github.dl4jpipeline.kernel.MicroBatch;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import io.github.dl4jpipeline.schedule.Schedule;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the user of a builder has asked for, and the plan that follows from it. */
record PipelineSettings(
        Devices devices,
        OptionalInt stages,
        OptionalInt replicas,
        OptionalInt microBatches,
        Schedule schedule,
        BatchNormStatistics batchNorm,
        Kernels kernels,
        @Nullable GraphProfile profile,
        @Nullable PartitionPlan plan) {

    private static final Logger log = LoggerFactory.getLogger(PipelineSettings.class);

    /** The first fit waits for the profile, which runs the graph several times; more examples tell little more. */
    private static final long MOST_PROFILED = 16;

    /** The plan that needs no batch: the one given, or that for the profile given; null if there is neither. */
    @Nullable PartitionPlan planWithoutBatch(ComputationGraph graph) {
        if (plan != null) {
            requireUncoupled(graph, plan);
            return plan;
        }
        return profile == null ? null : plan(graph, profile, profile.examples());
    }

    /** The plan for batches like this one; some of its examples are profiled, unless there is a profile. */
    PartitionPlan planFor(ComputationGraph graph, MicroBatch batch) {
        GraphProfile measured = profile;
        if (measured == null) {
            int parts = microBatches(graph, batch.examples(), new ArrayList<>());
            int enough = (int) ((batch.examples() + MOST_PROFILED - 1) / MOST_PROFILED);
            MicroBatch sample = batch.split(Math.max(parts, enough)).get(0);
            measured = GraphProfiler.profile(graph, sample, devices(parts).get(0), kernels);
        }
        return plan(graph, measured, (int) batch.examples());
    }

    private PartitionPlan plan(ComputationGraph graph, GraphProfile measured, int examples) {
        List<String> notes = new ArrayList<>();
        int parts = microBatches(graph, examples, notes);
        notes.forEach(note -> log.warn("{}", note));
        PlanOptions options =
                new PlanOptions(OptionalInt.of(examples), stages, replicas, OptionalInt.of(parts), schedule, notes);
        return Planner.plan(measured, devices(parts), options);
    }

    /**
     * The devices to plan for. With a single micro-batch stages never run at the same time, so unless the user asks for
     * stages there is one, with all cores.
     */
    private Devices devices(int parts) {
        if (parts > 1 || stages.isPresent() || replicas.isPresent() || devices.size() == 1) {
            return devices;
        }
        Device first = devices.get(0);
        List<Integer> cores = devices.list().stream()
                .flatMap(device -> device.cores().stream())
                .distinct()
                .toList();
        long memory = devices.list().stream().mapToLong(Device::memoryBytes).sum();
        return Devices.of(new Device("cpu", first.kind(), cores, memory, first.relativeSpeed()));
    }

    private int microBatches(ComputationGraph graph, long examples, List<String> notes) {
        int wanted = microBatches.orElse(PlanOptions.defaultMicroBatches(examples));
        for (ExampleCoupling coupling : ExampleCoupling.in(graph, batchNorm)) {
            if (wanted > 1 && (coupling.certain() || microBatches.isEmpty())) {
                String remedy = coupling.remedy().isEmpty() ? "" : "; " + coupling.remedy();
                notes.add("1 micro-batch instead of " + wanted + ": at vertex '" + coupling.vertex() + "' "
                        + coupling.reason() + remedy);
                return 1;
            }
        }
        return wanted;
    }

    private void requireUncoupled(ComputationGraph graph, PartitionPlan given) {
        for (ExampleCoupling coupling : ExampleCoupling.in(graph, batchNorm)) {
            if (coupling.certain() && given.microBatches() > 1) {
                throw new IllegalArgumentException("The plan has " + given.microBatches()
                        + " micro-batches, but at vertex '" + coupling.vertex() + "' " + coupling.reason()
                        + "; use a plan with 1 micro-batch");
            }
        }
    }
}
