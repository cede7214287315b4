package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.exception.DeviceMemoryException;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.device.DeviceRuntimes;
import io.github.dl4jpipeline.internal.graph.UpdaterState;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.schedule.CopyAssignment;
import io.github.dl4jpipeline.internal.schedule.StepTasks;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.update.UpdateCode;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.schedule.Schedule;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * What stages take on devices with their own memory: parameters, gradients and updater state, which are known, and the rest
 * from a {@link TrialRun}.
 */
public final class StageBytes {
    private StageBytes() {}

    /**
     * The plan with what each of its stages takes.
     *
     * @param batch a whole batch
     */
    public static PartitionPlan count(
            ComputationGraph graph, PartitionPlan plan, Schedule schedule, KernelChoice kernels, MicroBatch batch) {
        VertexGraph vertices = VertexGraph.of(graph);
        StepTasks tasks = StepTasks.of(schedule, plan.taskWorkers(), plan.microBatches());
        CopyAssignment copies = CopyAssignment.inEachStage(tasks);
        TrialRun trial = new TrialRun(graph, plan, kernels, tasks);
        long examples = batch.split(plan.microBatches()).stream()
                .mapToLong(MicroBatch::examples)
                .max()
                .orElseThrow();
        List<TrialRun.Bytes> taken =
                trial.run(batch, examples, DeviceRuntimes.of(plan.devices().get(0)));
        List<Stage> counted = new ArrayList<>();
        for (int stage = 0; stage < plan.stages().size(); stage++) {
            Stage planned = plan.stages().get(stage);
            boolean several = plan.microBatches() > planned.replicas();
            long bytes = taken.get(stage).kept() * copies.count(stage)
                    + taken.get(stage).working();
            for (String name : planned.vertices()) {
                Vertex vertex = vertices.get(name);
                bytes += trainingState(graph, vertex, several && !trial.addsGradients(vertex.position()));
            }
            counted.add(planned.withMemoryBytes(bytes));
        }
        return plan.withStages(counted);
    }

    /** Bytes that can be used on a device now. */
    public static long there(Device device) {
        return Math.min(device.memoryBytes(), DeviceRuntimes.of(device).freeBytes(device));
    }

    /**
     * Checks that devices have what the stages of a plan take.
     *
     * @throws DeviceMemoryException if one has not; the message names the stage
     */
    public static void require(PartitionPlan counted) {
        Map<Device, Long> needed = new LinkedHashMap<>();
        for (int stage = 0; stage < counted.stages().size(); stage++) {
            Stage planned = counted.stages().get(stage);
            for (Device device : planned.devices()) {
                long bytes = planned.memoryBytes();
                requireRoom(stage, planned, device, needed.merge(device, bytes, Long::sum), bytes);
            }
        }
    }

    private static void requireRoom(int stage, Stage planned, Device device, long all, long own) {
        long there = there(device);
        if (all > there) {
            List<String> names = planned.vertices();
            throw new DeviceMemoryException(
                    stage,
                    "Stage " + stage + " (" + names.get(0) + " to "
                            + names.get(names.size() - 1) + ") needs " + own + " bytes on device " + device.id()
                            + (all > own ? ", which with its other stages makes " + all : "") + ", but there are "
                            + there
                            + "; use more devices, more micro-batches, a smaller batch, or recompute(true)");
        }
    }

    private static long trainingState(ComputationGraph graph, Vertex vertex, boolean gradientsApart) {
        if (vertex.parameters() == 0) {
            return 0;
        }
        long elements = vertex.parameters() * (gradientsApart && vertex.runsBackward() ? 3L : 2L);
        if (vertex.runsBackward()) {
            elements += UpdaterState.elements(graph.getVertex(vertex.name()));
            elements += UpdaterState.elements( // as it was before an update
                    graph.getVertex(vertex.name()),
                    parameter -> UpdateCode.mayFail(graph.getVertex(vertex.name()), parameter));
        }
        return elements * graph.getConfiguration().getDataType().width();
    }
}
