package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.graph.VertexGraph;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.JointMicroBatches;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Stages on devices that share memory: parameters and gradients are views of the pipeline's, and a copy of the graph holds
 * a micro-batch on its way through all stages.
 */
final class SharedPlacement implements Placement {
    private final List<GraphCopy> copies;
    private final @Nullable JointMicroBatches joint;
    private final List<List<Integer>> positions;
    private final List<ReplicaSums> sums = new ArrayList<>();
    private final List<List<StageGradients>> gradients = new ArrayList<>();

    /**
     * @param copies as many as programs ask for
     * @param joint what micro-batches that run at the same time compute together; null for nothing
     * @param positions by stage, its vertices
     * @param replicas by stage
     */
    SharedPlacement(
            ComputationGraph graph,
            VertexGraph vertices,
            List<GraphCopy> copies,
            @Nullable JointMicroBatches joint,
            List<List<Integer>> positions,
            List<Integer> replicas,
            int microBatches) {
        this.copies = copies;
        this.joint = joint;
        this.positions = positions;
        Set<Integer> summed = joint == null ? Set.of() : joint.summed();
        for (int stage = 0; stage < positions.size(); stage++) {
            List<Integer> own = positions.get(stage);
            ReplicaSums ofStage =
                    new ReplicaSums(graph.getFlattenedGradients(), vertices, own, summed, replicas.get(stage));
            sums.add(ofStage);
            boolean several = microBatches > replicas.get(stage);
            List<StageGradients> ofReplicas = new ArrayList<>();
            for (int replica = 0; replica < replicas.get(stage); replica++) {
                ofReplicas.add(new StageGradients(vertices, own, ofStage.slices(replica), copies.get(0), several));
            }
            gradients.add(ofReplicas);
        }
    }

    @Override
    public StageGradients gradients(int stage, int replica) {
        return gradients.get(stage).get(replica);
    }

    @Override
    public ReplicaSums replicaSums(int stage) {
        return sums.get(stage);
    }

    @Override
    public List<Task> dependencies(Program program, Task task) {
        return program.dependencies(task);
    }

    @Override
    public GraphCopy begin(Step step, Task task) {
        GraphCopy copy = resume(step, task);
        if (task.stage() == 0) {
            copy.begin(
                    step.microBatch(task.microBatch()),
                    step.program().microBatches() > 1,
                    step.request().iteration(),
                    step.request().epoch());
        }
        return copy;
    }

    @Override
    public GraphCopy resume(Step step, Task task) {
        return copies.get(step.program().copyOf(task.microBatch()));
    }

    @Override
    public INDArray copyToHost(int position, INDArray activation, Task task) {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            return activation.dup(activation.ordering());
        }
    }

    @Override
    public void end(Step step, Task task) {
        if (step.leaves(task.microBatch())) {
            resume(step, task).end();
        }
    }

    @Override
    public void reset() {
        copies.forEach(GraphCopy::reset);
        if (joint != null) {
            joint.close();
        }
    }

    @Override
    public Optional<TileMeasurement> tileMeasurement() {
        return Optional.ofNullable(copies.get(0).tileMeasurement());
    }

    @Override
    public long bytes(int stage) {
        long bytes = copies.stream().mapToLong(copy -> copy.bytes(stage)).sum();
        return joint == null
                ? bytes
                : bytes + positions.get(stage).stream().mapToLong(joint::bytes).sum();
    }

    @Override
    public void close() {
        reset();
        sums.forEach(ReplicaSums::close);
        gradients.forEach(ofReplicas -> ofReplicas.forEach(StageGradients::close));
    }
}
