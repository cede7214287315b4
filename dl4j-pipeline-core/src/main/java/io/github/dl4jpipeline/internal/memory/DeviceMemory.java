package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.internal.engine.Engine;
import io.github.dl4jpipeline.internal.engine.PackedWeights;
import io.github.dl4jpipeline.internal.schedule.CopyAssignment;
import io.github.dl4jpipeline.internal.schedule.StepTasks;
import io.github.dl4jpipeline.internal.stage.DeviceMicroBatchMemory;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.GroupMemory;
import io.github.dl4jpipeline.internal.stage.GroupRunner;
import io.github.dl4jpipeline.internal.stage.JointMicroBatches;
import io.github.dl4jpipeline.internal.stage.MicroBatchGroup;
import io.github.dl4jpipeline.internal.stage.PeerMicroBatchMemory;
import io.github.dl4jpipeline.internal.stage.Peers;
import io.github.dl4jpipeline.internal.stage.StageScratch;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Workers;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Stages on devices with their own memory. Each replica of a stage has there its parameters and gradients, and a copy of the
 * graph for each micro-batch that it has in flight.
 */
final class DeviceMemory extends PipelineMemory {
    private final DeviceRuntime runtime;
    private final Function<PackedWeights, Engine> engine;
    private final Setup setup;
    private final Transfers transfers = new Transfers();

    /** Positions of the vertices that groups of micro-batches run; in the last stage. */
    private final List<Integer> grouped;

    /** By stage and replica. */
    private final List<List<Stage>> stages = new ArrayList<>();

    private final SeparateParameters parameters;

    /**
     * @param engine that of stages with these weights
     * @param groupsMicroBatches whether plans may have groups of micro-batches
     */
    DeviceMemory(
            DeviceRuntime runtime,
            Function<PackedWeights, Engine> engine,
            boolean groupsMicroBatches,
            Setup setup,
            Threads threads) {
        super(CopyAssignment::inEachStage);
        this.runtime = runtime;
        this.engine = engine;
        this.setup = setup;
        this.grouped = groupsMicroBatches ? setup.grouped() : List.of();
        CopyAssignment copies = CopyAssignment.inEachStage(setup.tasks());
        for (int stage = 0; stage < setup.stages().stages(); stage++) {
            List<Stage> replicas = new ArrayList<>();
            List<Device> devices = setup.plan().stages().get(stage).devices();
            for (int replica = 0; replica < devices.size(); replica++) {
                if (isHere(stage, replica)) {
                    replicas.add(stageOn(devices.get(replica), stage, replica, copies.count(stage)));
                }
            }
            stages.add(replicas);
        }
        List<List<DeviceStage>> ofStages = stages.stream()
                .map(replicas -> replicas.stream().map(replica -> replica.own).toList())
                .toList();
        this.parameters = setup.peers() == null
                ? new DeviceParameters(runtime, transfers, setup.graph(), ofStages, threads)
                : parametersAmong(setup.peers());
    }

    private boolean isHere(int stage, int replica) {
        return setup.peers() == null
                || setup.tasks().workers().worker(stage, replica)
                        == setup.peers().worker();
    }

    private SeparateParameters parametersAmong(Peers peers) {
        Workers workers = setup.tasks().workers();
        int stage = workers.stagesOf(peers.worker()).get(0);
        return new PeerParameters(runtime, setup.graph(), stages.get(stage).get(0).own, stage, workersOf(stage), peers);
    }

    private Stage stageOn(Device device, int stage, int replica, int count) {
        List<Integer> positions = setup.stages().positions(stage);
        ParameterLayout layout = ParameterLayout.of(setup.stages().vertices(), Set.copyOf(positions));
        INDArray ofStage = runtime.on(device, () -> flat(layout, stage));
        DeviceMicroBatchMemory.Place place =
                new DeviceMicroBatchMemory.Place(stage, device, runtime, layout.slices(ofStage), transfers);
        String name = setup.name() + "-" + device.id() + "-" + stage + "-copy-";
        List<DeviceMicroBatchMemory> memories = new ArrayList<>();
        List<GraphCopy> copies = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            DeviceMicroBatchMemory memory = memoryOfMicroBatch(name + i, stage, place);
            memories.add(memory);
            copies.add(setup.copy(memory, engine(positions)));
        }
        List<GraphCopy> groups = new ArrayList<>();
        for (int i = 0; i < count && hasGroups(stage); i++) {
            GroupMemory memory = GroupMemory.at(setup.graph(), stagesOfVertices(stage), name + "group-" + i, place);
            groups.add(setup.copy(memory, engine(positions)));
        }
        INDArray sums = runtime.on(device, () -> flat(layout, stage));
        StageGradients gradients = runtime.on(
                device,
                () -> new StageGradients(
                        setup.stages().vertices(),
                        positions,
                        layout.slices(sums),
                        copies.get(0),
                        setup.severalMicroBatches(stage)));
        DeviceStage own = new DeviceStage(device, positions, layout, ofStage, sums, gradients, copies);
        return new Stage(stage, own, memories, groups, setup.scratch(stage, replica, ""));
    }

    /** Vertices of other stages have no parameters here. */
    private Engine engine(List<Integer> positions) {
        Set<String> names = names(positions);
        return engine.apply(packed).except(vertex -> !names.contains(vertex.getVertexName()));
    }

    private Set<String> names(List<Integer> positions) {
        return positions.stream()
                .map(position -> setup.stages().vertices().get(position).name())
                .collect(Collectors.toSet());
    }

    /** In copies of the graph, vertices that groups of micro-batches run are a stage of their own. */
    private int stageOfGroups() {
        return setup.stages().stages();
    }

    private boolean hasGroups(int stage) {
        return !grouped.isEmpty() && stage == stageOfGroups() - 1;
    }

    /** The stage of each vertex, as the copies of one stage know it. */
    private int[] stagesOfVertices(int stage) {
        int[] stageOf = setup.stages().stageOf();
        if (hasGroups(stage)) {
            grouped.forEach(position -> stageOf[position] = stageOfGroups());
        }
        return stageOf;
    }

    private DeviceMicroBatchMemory memoryOfMicroBatch(String name, int stage, DeviceMicroBatchMemory.Place place) {
        int[] stageOf = stagesOfVertices(stage);
        Peers peers = setup.peers();
        if (peers == null) {
            return new DeviceMicroBatchMemory(setup.graph(), stageOf, name, place);
        }
        Workers workers = setup.tasks().workers();
        return new PeerMicroBatchMemory(
                setup.graph(),
                stageOf,
                stageOfGroups(),
                name,
                place,
                peers,
                (other, microBatch) -> workers.workerOf(Task.forward(other, microBatch)));
    }

    /** Other replicas of the stage, in processes of this machine, read it there. */
    private INDArray flat(ParameterLayout layout, int stage) {
        DataType type = setup.graph().getConfiguration().getDataType();
        long length = Math.max(1, layout.length());
        Peers peers = setup.peers();
        if (peers == null || !runtime.sharesMemory()) {
            return Nd4j.create(type, length);
        }
        Set<Integer> readers = new HashSet<>(workersOf(stage));
        readers.remove(peers.worker());
        return readers.isEmpty() ? Nd4j.create(type, length) : peers.lendable(type, length, readers);
    }

    private List<Integer> workersOf(int stage) {
        Workers workers = setup.tasks().workers();
        return IntStream.range(0, workers.replicas(stage))
                .map(replica -> workers.worker(stage, replica))
                .boxed()
                .toList();
    }

    /** A replica of a stage. */
    private final class Stage extends StageMemory {
        private final DeviceStage own;

        /** Those of the copies, in the same order. */
        private final List<DeviceMicroBatchMemory> memories;

        /** By copy: that of the group whose last micro-batch it holds; none if each micro-batch is alone. */
        private final List<GraphCopy> groups;

        Stage(
                int stage,
                DeviceStage own,
                List<DeviceMicroBatchMemory> memories,
                List<GraphCopy> groups,
                StageScratch scratch) {
            super(stage, own.copies(), scratch, scratch, own.gradients(), DeviceMemory.this::running);
            this.own = own;
            this.memories = memories;
            this.groups = groups;
        }

        @Override
        public @Nullable GroupRunner groupRunner() {
            return groups.isEmpty()
                    ? null
                    : new GroupRunner(setup.stages().vertices(), stageOfGroups(), grouped, scratch());
        }

        @Override
        GraphCopy copy(MicroBatchGroup group) {
            return groups.get(running().copies().of(stage(), group.last()));
        }

        @Override
        public GraphCopy begin(int microBatch) {
            memory(microBatch).exchangeWith(microBatch, other -> {
                List<Stage> replicas = stages.get(other);
                return replicas.get(microBatch % replicas.size()).memory(microBatch);
            });
            GraphCopy copy = copy(microBatch);
            running().begin(copy, microBatch);
            return copy;
        }

        /** What peers have to do first, the memory of the micro-batch waits for. */
        @Override
        public List<Task> dependencies(Task task) {
            Peers peers = setup.peers();
            Workers workers = setup.tasks().workers();
            return super.dependencies(task).stream()
                    .filter(other -> peers == null || workers.workerOf(other) == peers.worker())
                    .toList();
        }

        private DeviceMicroBatchMemory memory(int microBatch) {
            return memories.get(running().copies().of(stage(), microBatch));
        }

        @Override
        public void end(int microBatch) {
            copy(microBatch).end();
        }

        @Override
        public boolean addsReplicasInStep() {
            return false;
        }

        @Override
        public void addReplicas(int active) {
            // the first replica does it alone, at the end of the step
        }

        @Override
        public INDArray copyToHost(int position, INDArray activation) {
            return transfers.timed(
                    Transfers.Kind.GATHER,
                    setup.stages().vertices().get(position).name(),
                    own.device().id(),
                    "host",
                    Transfers.bytes(activation),
                    () -> runtime.copyToHost(activation));
        }
    }

    @Override
    public boolean movesWeights() {
        return false;
    }

    @Override
    public StageMemory stage(int stage, int replica) {
        return stages.get(stage).get(setup.peers() == null ? replica : 0);
    }

    @Override
    public ParameterMemory parameters() {
        return parameters;
    }

    @Override
    public @Nullable JointMicroBatches joint() {
        return null;
    }

    @Override
    public void endStep(StepTasks tasks) {
        parameters.sumReplicas(tasks::activeReplicas);
    }

    @Override
    public Optional<TileMeasurement> tileMeasurement() {
        return Optional.empty();
    }

    @Override
    public long bytes(int stage) {
        long bytes = 0;
        for (Stage replica : stages.get(stage)) {
            bytes += replica.scratchBytes() + replica.own.bytes();
            bytes += replica.own.copies().stream()
                    .mapToLong(copy -> copy.bytes(stage))
                    .sum();
            bytes += replica.groups.stream()
                    .mapToLong(group -> group.bytes(stageOfGroups()))
                    .sum();
        }
        return bytes + packed.bytes(names(setup.stages().positions(stage)));
    }

    @Override
    public void reset() {
        each(stage -> {
            stage.own.copies().forEach(GraphCopy::reset);
            stage.groups.forEach(GraphCopy::reset);
            stage.freeScratch();
        });
        packed.close();
    }

    @Override
    public void close() {
        try {
            parameters.close();
        } finally {
            reset();
            each(stage -> stage.own.close());
        }
    }

    private void each(Consumer<Stage> work) {
        for (List<Stage> replicas : stages) {
            for (Stage stage : replicas) {
                runtime.on(stage.own.device(), () -> {
                    work.accept(stage);
                    return stage;
                });
            }
        }
    }
}
