package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.internal.schedule.CopyAssignment;
import io.github.dl4jpipeline.internal.schedule.StepTasks;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.JointMicroBatches;
import io.github.dl4jpipeline.internal.stage.MicroBatchMemory;
import io.github.dl4jpipeline.internal.stage.StageScratch;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Stages on devices that share memory: parameters and gradients are views of the host's, and a copy of the graph holds a
 * micro-batch on its way through all stages.
 */
final class SharedMemory extends PipelineMemory {
    private final Setup setup;
    private final List<GraphCopy> copies = new ArrayList<>();
    private final @Nullable JointMicroBatches joint;
    private final HostParameters parameters;

    /** By stage. */
    private final List<ReplicaSums> sums = new ArrayList<>();

    /** By stage and replica. */
    private final List<List<Stage>> stages = new ArrayList<>();

    SharedMemory(Setup setup, Threads threads) {
        super(CopyAssignment::throughStages);
        this.setup = setup;
        this.parameters = new HostParameters(setup.graph(), threads::inEachThread);
        int[] stageOf = setup.stages().stageOf();
        int count = CopyAssignment.throughStages(setup.tasks()).count(0);
        for (int i = 0; i < count; i++) {
            copies.add(setup.copy(new MicroBatchMemory(setup.graph(), stageOf, setup.name() + "-copy-" + i)));
        }
        joint = setup.plan().runsMicroBatchesTogether()
                ? JointMicroBatches.across(copies, setup.batchNorm() == BatchNormStatistics.FULL_BATCH)
                : null;
        for (int stage = 0; stage < setup.stages().stages(); stage++) {
            addStage(stage);
        }
    }

    private void addStage(int stage) {
        List<Integer> positions = setup.stages().positions(stage);
        Set<Integer> summed = joint == null ? Set.of() : joint.summed();
        ReplicaSums ofStage = new ReplicaSums(
                setup.graph().getFlattenedGradients(),
                setup.stages().vertices(),
                positions,
                summed,
                setup.replicas(stage));
        sums.add(ofStage);
        List<Stage> replicas = new ArrayList<>();
        for (int replica = 0; replica < setup.replicas(stage); replica++) {
            StageGradients gradients = new StageGradients(
                    setup.stages().vertices(),
                    positions,
                    ofStage.slices(replica),
                    copies.get(0),
                    setup.severalMicroBatches(stage));
            replicas.add(new Stage(stage, replica, setup.scratch(stage, replica), gradients));
        }
        stages.add(replicas);
    }

    /** A replica of a stage. */
    private final class Stage extends StageMemory {
        private final int replica;

        Stage(int stage, int replica, StageScratch scratch, StageGradients gradients) {
            super(stage, copies, scratch, gradients, SharedMemory.this::running);
            this.replica = replica;
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
        public void end(int microBatch) {
            if (running().leaves(microBatch)) {
                copy(microBatch).end();
            }
        }

        @Override
        public void addReplicas(int active) {
            sums.get(stage()).reduce(replica, active);
        }

        @Override
        public INDArray copyToHost(int position, INDArray activation) {
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                return activation.dup(activation.ordering());
            }
        }
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
        long bytes = copies.stream().mapToLong(copy -> copy.bytes(stage)).sum();
        for (Stage replica : stages.get(stage)) {
            bytes += replica.scratch().bytes();
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
        if (joint != null) {
            joint.close();
        }
        each(stage -> stage.scratch().destroy());
    }

    @Override
    public void close() {
        reset();
        sums.forEach(ReplicaSums::close);
        each(stage -> stage.gradients().close());
    }

    private void each(Consumer<StageMemory> work) {
        stages.forEach(replicas -> replicas.forEach(work));
    }
}
