package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.engine.Engine;
import io.github.dl4jpipeline.internal.schedule.CopyAssignment;
import io.github.dl4jpipeline.internal.schedule.StepTasks;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.GroupMemory;
import io.github.dl4jpipeline.internal.stage.GroupRunner;
import io.github.dl4jpipeline.internal.stage.JointMicroBatches;
import io.github.dl4jpipeline.internal.stage.MicroBatchGroup;
import io.github.dl4jpipeline.internal.stage.MicroBatchMemory;
import io.github.dl4jpipeline.internal.stage.StageScratch;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Stages on devices that share memory: parameters and gradients are views of the host's, and a copy of the graph holds a
 * micro-batch on its way through all stages.
 */
final class SharedMemory extends PipelineMemory {
    private final Setup setup;

    /** The host's. */
    private final INDArray gradients;

    private final List<GraphCopy> copies = new ArrayList<>();

    /** Positions of the vertices that groups of micro-batches run; in the last stage. */
    private final List<Integer> grouped;

    /** By copy: that of the group whose last micro-batch it holds. */
    private final List<GraphCopy> groups = new ArrayList<>();

    private final @Nullable JointMicroBatches joint;
    private final HostParameters parameters;

    /** By stage and replica. */
    private final List<List<Stage>> stages = new ArrayList<>();

    /** By stage, the names of its vertices. */
    private final List<Set<String>> names = new ArrayList<>();

    SharedMemory(Setup setup, Threads threads) {
        super(CopyAssignment::throughStages);
        this.setup = setup;
        INDArray flat = setup.graph().getFlattenedGradients();
        this.gradients = flat.reshape(flat.length());
        this.parameters = new HostParameters(setup.graph(), threads::inEachThread);
        int[] stageOf = setup.stages().stageOf();
        this.grouped = setup.grouped();
        grouped.forEach(position -> stageOf[position] = stageOfGroups());
        int count = CopyAssignment.throughStages(setup.tasks()).count(0);
        boolean together = setup.plan().runsMicroBatchesTogether();
        boolean normalize = setup.batchNorm() == BatchNormStatistics.FULL_BATCH;
        Engine engine = Engine.of(packed)
                .except(vertex -> together && JointMicroBatches.joinsWeights(vertex.getLayer(), count));
        for (int i = 0; i < count; i++) {
            copies.add(setup.copy(new MicroBatchMemory(setup.graph(), stageOf, setup.name() + "-copy-" + i), engine));
        }
        for (int i = 0; i < count && !grouped.isEmpty(); i++) {
            groups.add(setup.copy(GroupMemory.shared(setup.graph(), stageOf, setup.name() + "-group-" + i), engine));
        }
        joint = together ? JointMicroBatches.across(copies, normalize) : null;
        for (int stage = 0; stage < setup.stages().stages(); stage++) {
            addStage(stage);
            names.add(setup.stages().positions(stage).stream()
                    .map(position -> setup.stages().vertices().get(position).name())
                    .collect(Collectors.toSet()));
        }
    }

    /** In copies of the graph, vertices that groups of micro-batches run are a stage of their own. */
    private int stageOfGroups() {
        return setup.stages().stages();
    }

    private boolean hasGroups(int stage) {
        return !grouped.isEmpty() && stage == stageOfGroups() - 1;
    }

    /**
     * Adds a stage. Its first replica sums its gradients in the host's array, each other in an array of its own. Vertices whose
     * replicas write one sum together all use the host's.
     */
    private void addStage(int stage) {
        List<Integer> positions = setup.stages().positions(stage);
        Set<Integer> together = joint == null ? Set.of() : joint.summed();
        Set<Integer> apart = new HashSet<>(positions);
        apart.removeAll(together);
        VertexGraph vertices = setup.stages().vertices();
        ParameterLayout layout = ParameterLayout.of(vertices, apart);
        List<@Nullable INDArray> host = ParameterLayout.of(vertices).slices(gradients);
        List<Stage> replicas = new ArrayList<>();
        for (int replica = 0; replica < setup.replicas(stage); replica++) {
            INDArray own = replica == 0 ? null : Nd4j.create(gradients.dataType(), Math.max(1, layout.length()));
            List<@Nullable INDArray> slices = own == null ? host : layout.slices(own);
            together.forEach(position -> slices.set(position, host.get(position)));
            StageGradients sums =
                    new StageGradients(vertices, positions, slices, copies.get(0), setup.severalMicroBatches(stage));
            replicas.add(new Stage(stage, replica, sums, layout, own));
        }
        stages.add(replicas);
    }

    /** A replica of a stage. */
    private final class Stage extends StageMemory {
        private final int replica;
        private final ParameterLayout layout;

        /** Where it sums gradients, laid out so; null for the host's array. */
        private final @Nullable INDArray own;

        Stage(int stage, int replica, StageGradients sums, ParameterLayout layout, @Nullable INDArray own) {
            this(stage, replica, sums, layout, own, setup.scratch(stage, replica, ""));
        }

        private Stage(
                int stage,
                int replica,
                StageGradients sums,
                ParameterLayout layout,
                @Nullable INDArray own,
                StageScratch scratch) {
            super(
                    stage,
                    copies,
                    scratch,
                    setup.hasMovableWeights() ? setup.scratch(stage, replica, "-weights") : scratch,
                    sums,
                    SharedMemory.this::running);
            this.replica = replica;
            this.layout = layout;
            this.own = own;
        }

        @Override
        public GraphCopy begin(int microBatch) {
            GraphCopy copy = copy(microBatch);
            if (stage() == 0) {
                running().begin(copy, microBatch);
            }
            return copy;
        }

        @Override
        public @Nullable GroupRunner groupRunner() {
            return hasGroups(stage())
                    ? new GroupRunner(setup.stages().vertices(), stageOfGroups(), grouped, scratch())
                    : null;
        }

        @Override
        GraphCopy copy(MicroBatchGroup group) {
            return groups.get(running().copies().of(stage(), group.last()));
        }

        @Override
        public void end(int microBatch) {
            if (running().leaves(microBatch)) {
                copy(microBatch).end();
            }
        }

        @Override
        public boolean addsReplicasInStep() {
            return true;
        }

        /** A share of the elements: first + second + …, so that the result does not depend on timing. */
        @Override
        public void addReplicas(int active) {
            List<Stage> others = stages.get(stage()).subList(1, active);
            for (ParameterLayout.Run run : layout.runs()) {
                long begin = run.length() * replica / active;
                long end = run.length() * (replica + 1) / active;
                if (begin < end) {
                    INDArray sum = run.inWhole(gradients).get(NDArrayIndex.interval(begin, end));
                    others.forEach(other -> sum.addi(run.inOwn(other.own).get(NDArrayIndex.interval(begin, end))));
                }
            }
        }

        void close() {
            gradients().close();
            if (own != null) {
                own.close();
            }
        }

        @Override
        public INDArray copyToHost(int position, INDArray activation) {
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                return activation.dup(activation.ordering());
            }
        }
    }

    @Override
    public boolean movesWeights() {
        return setup.hasMovableWeights();
    }

    @Override
    public StageMemory stage(int stage, int replica) {
        return stages.get(stage).get(replica);
    }

    @Override
    public ParameterMemory parameters() {
        return parameters;
    }

    @Override
    public @Nullable JointMicroBatches joint() {
        return joint;
    }

    @Override
    public void endStep(StepTasks tasks) {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            for (List<Stage> replicas : stages) {
                List<StageGradients> ofReplicas =
                        replicas.stream().map(StageMemory::gradients).toList();
                ofReplicas.get(0).writeStatistics(ofReplicas.subList(1, ofReplicas.size()));
            }
        }
    }

    @Override
    public Optional<TileMeasurement> tileMeasurement() {
        return Optional.ofNullable(copies.get(0).tileMeasurement());
    }

    @Override
    public long bytes(int stage) {
        long bytes = packed.bytes(names.get(stage));
        for (GraphCopy copy : copies) {
            bytes += copy.bytes(stage);
        }
        if (hasGroups(stage)) {
            bytes += groups.stream()
                    .mapToLong(group -> group.bytes(stageOfGroups()))
                    .sum();
        }
        for (Stage replica : stages.get(stage)) {
            bytes += replica.scratchBytes();
        }
        if (joint != null) {
            bytes += setup.stages().positions(stage).stream()
                    .mapToLong(joint::bytes)
                    .sum();
        }
        return bytes;
    }

    @Override
    public void reset() {
        copies.forEach(GraphCopy::reset);
        groups.forEach(GraphCopy::reset);
        if (joint != null) {
            joint.close();
        }
        each(stage -> stage.freeScratch());
        packed.close();
    }

    @Override
    public void close() {
        reset();
        each(Stage::close);
    }

    private void each(Consumer<Stage> work) {
        stages.forEach(replicas -> replicas.forEach(work));
    }
}
