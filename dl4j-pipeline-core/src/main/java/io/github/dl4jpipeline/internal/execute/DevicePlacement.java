package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.internal.graph.VertexGraph;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.OwnMemory;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Stages on devices with their own memory. Each replica of a stage has there its parameters and gradients, and a copy of the
 * graph for each micro-batch that it has in flight. Activations are copied to a stage before its forward task, errors at
 * the end of the backward task that has computed them.
 */
final class DevicePlacement implements Placement {
    private final DeviceRuntime runtime;
    private final Transfers transfers;
    private final VertexGraph vertices;
    private final int[] stageOf;

    /** By stage and replica. */
    private final List<List<DeviceStage>> stages = new ArrayList<>();

    /** By number of micro-batches. */
    private final Map<Integer, Slots> slots = new HashMap<>();

    /**
     * @param graph the pipeline's, whose parameters have the right lengths
     * @param positions by stage, its vertices
     * @param program that with the most micro-batches
     * @param name a prefix of workspace names that no other pipeline of the process has
     */
    DevicePlacement(
            DeviceRuntime runtime,
            Transfers transfers,
            ComputationGraph graph,
            VertexGraph vertices,
            int[] stageOf,
            List<List<Integer>> positions,
            PartitionPlan plan,
            Program program,
            KernelChoice kernels,
            boolean keepPreActivations,
            String name) {
        this.runtime = runtime;
        this.transfers = transfers;
        this.vertices = vertices;
        this.stageOf = stageOf;
        Slots needed = slots(program);
        for (int stage = 0; stage < positions.size(); stage++) {
            List<Integer> own = positions.get(stage);
            StageLayout layout = StageLayout.of(vertices, own);
            List<Device> devices = plan.stages().get(stage).devices();
            boolean several = program.microBatches() > devices.size();
            List<DeviceStage> replicas = new ArrayList<>();
            for (Device device : devices) {
                String ofReplica = name + "-" + device.id() + "-" + stage;
                INDArray parameters = runtime.on(device, () -> flat(graph, layout));
                OwnMemory memory = new OwnMemory(stage, device, runtime, layout.slices(parameters), transfers);
                List<GraphCopy> copies = new ArrayList<>();
                for (int slot = 0; slot < needed.count(stage); slot++) {
                    copies.add(GraphCopy.onDevice(
                            graph, stageOf, kernels, keepPreActivations, ofReplica + "-slot-" + slot, memory));
                }
                INDArray sums = runtime.on(device, () -> flat(graph, layout));
                StageGradients gradients = runtime.on(
                        device, () -> new StageGradients(vertices, own, layout.slices(sums), copies.get(0), several));
                replicas.add(new DeviceStage(device, own, layout, parameters, sums, gradients, copies));
            }
            stages.add(replicas);
        }
    }

    private static INDArray flat(ComputationGraph graph, StageLayout layout) {
        return Nd4j.create(graph.getConfiguration().getDataType(), Math.max(1, layout.length()));
    }

    private synchronized Slots slots(Program program) {
        return slots.computeIfAbsent(program.microBatches(), count -> Slots.of(program));
    }

    List<List<DeviceStage>> stages() {
        return stages;
    }

    @Override
    public StageGradients gradients(int stage, int replica) {
        return stages.get(stage).get(replica).gradients();
    }

    @Override
    public @Nullable ReplicaSums replicaSums(int stage) {
        return null;
    }

    /** Each replica of a stage has places of its own for micro-batches, of which its order of tasks leaves one free. */
    @Override
    public List<Task> dependencies(Program program, Task task) {
        return task.dependencies(stages.size());
    }

    @Override
    public GraphCopy begin(Step step, Task task) {
        GraphCopy copy = resume(step, task);
        copy.begin(
                step.microBatch(task.microBatch()),
                step.program().microBatches() > 1,
                step.request().iteration(),
                step.request().epoch());
        copy.exchange().receiveActivations(position -> copy(step, stageOf[position], task.microBatch()));
        return copy;
    }

    @Override
    public GraphCopy resume(Step step, Task task) {
        GraphCopy copy = copy(step, task.stage(), task.microBatch());
        Device from = stage(task.stage(), task.microBatch()).device();
        copy.exchange().sendErrorsTo((position, error) -> copy(step, stageOf[position], task.microBatch())
                .exchange()
                .receiveError(position, error, from));
        return copy;
    }

    private GraphCopy copy(Step step, int stage, int microBatch) {
        return stage(stage, microBatch).slots().get(slots(step.program()).of(stage, microBatch));
    }

    private DeviceStage stage(int stage, int microBatch) {
        List<DeviceStage> replicas = stages.get(stage);
        return replicas.get(microBatch % replicas.size());
    }

    @Override
    public INDArray copyToHost(int position, INDArray activation, Task task) {
        return transfers.timed(
                Transfers.Kind.GATHER,
                vertices.get(position).name(),
                stage(task.stage(), task.microBatch()).device().id(),
                "host",
                Transfers.bytes(activation),
                () -> runtime.copyToHost(activation));
    }

    @Override
    public void end(Step step, Task task) {
        copy(step, task.stage(), task.microBatch()).end();
    }

    @Override
    public void reset() {
        everywhere(stage -> stage.slots().forEach(GraphCopy::reset));
    }

    @Override
    public Optional<TileMeasurement> tileMeasurement() {
        return Optional.empty();
    }

    @Override
    public long bytes(int stage) {
        return stages.get(stage).stream()
                .mapToLong(replica -> replica.bytes()
                        + replica.slots().stream()
                                .mapToLong(copy -> copy.bytes(stage))
                                .sum())
                .sum();
    }

    @Override
    public void close() {
        everywhere(stage -> {
            stage.slots().forEach(GraphCopy::reset);
            stage.gradients().close();
            stage.parameters().close();
            stage.sums().close();
        });
    }

    private void everywhere(Consumer<DeviceStage> work) {
        for (List<DeviceStage> replicas : stages) {
            for (DeviceStage stage : replicas) {
                runtime.on(stage.device(), () -> {
                    work.accept(stage);
                    return stage;
                });
            }
        }
    }
}
