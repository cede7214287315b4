package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.device.WholeProcess;
import io.github.dl4jpipeline.internal.execute.StepRequest;
import io.github.dl4jpipeline.internal.execute.StepResult;
import io.github.dl4jpipeline.internal.execute.TaskController;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.memory.ParameterMemory;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;

/** Trains one replica of one stage in this process, step by step, together with peers that train the others. */
public final class StageTraining {
    private final Assignment assignment;
    private final ClusterPeers peers;
    private final WorkerGraph graph;
    private final PartitionPlan plan;

    /** @param device what the stage runs on, of this process */
    public StageTraining(Assignment assignment, ClusterPeers peers, Device device) {
        this.assignment = assignment;
        this.peers = peers;
        WholeProcess.prepare();
        ComputationGraphConfiguration configuration = ComputationGraphConfiguration.fromJson(assignment.configuration());
        this.graph = new WorkerGraph(configuration, assignment.parameters(), assignment.state());
        this.plan = here(PartitionPlan.fromJson(assignment.plan()), peers.worker(), device);
        configuration.setIterationCount(assignment.iteration());
        configuration.setEpochCount(assignment.epoch());
    }

    /** The same plan on devices of this process. */
    private static PartitionPlan here(PartitionPlan plan, int worker, Device device) {
        List<Stage> stages = new ArrayList<>();
        int next = 0;
        for (Stage stage : plan.stages()) {
            List<Device> devices = new ArrayList<>();
            for (int replica = 0; replica < stage.replicas(); replica++) {
                Device some = next == worker ? device : device.firstCore();
                devices.add(new Device(
                        "worker-" + next++, some.kind(), some.cores(), some.memoryBytes(), some.relativeSpeed()));
            }
            stages.add(new Stage(stage.vertices(), devices, 0, 0, 0, 0, stage.recompute()));
        }
        return plan.withStages(stages);
    }

    /**
     * Trains all epochs. The host has the result when this returns.
     *
     * @param data the batches of all epochs that are left, one after the other
     */
    public void run(Iterator<MicroBatch> data) {
        try (TaskController controller = new TaskController(new TaskController.Setup(
                graph,
                plan,
                plan.schedule(),
                KernelChoice.all(Kernels.FAST),
                assignment.perMicroBatch() ? BatchNormStatistics.PER_MICRO_BATCH : BatchNormStatistics.FULL_BATCH,
                null,
                plan.devices().list(),
                peers))) {
            long inEpoch = assignment.skip();
            long steps = assignment.epochs() * assignment.batches() - assignment.skip();
            long stored = -1; // nothing to wait for
            for (long step = 0; step < steps; step++) {
                step(controller, data.next());
                if (++inEpoch == assignment.batches()) {
                    inEpoch = 0;
                    graph.incrementEpochCount();
                }
                int every = assignment.checkpointEvery();
                if (step == steps - 1 || every > 0 && graph.getIterationCount() % every == 0) {
                    peers.awaitStored(stored);
                    stored = graph.getIterationCount();
                    controller.parameters().gather();
                    peers.stored(stored);
                }
            }
            peers.awaitStored(stored);
        }
    }

    private void step(TaskController controller, MicroBatch batch) {
        ParameterMemory parameters = controller.parameters();
        int iteration = graph.getIterationCount();
        int epoch = graph.getEpochCount();
        parameters.beginStep();
        double regularization = parameters.regularization();
        StepResult result = controller.run(new StepRequest(batch, iteration, epoch, 0, false));
        graph.setExamples((int) batch.examples());
        parameters.update(LayerWorkspaceMgr.noWorkspaces());
        graph.getConfiguration().setIterationCount(iteration + 1);
        parameters.applyConstraints(iteration, epoch, () -> {});
        peers.stepDone(iteration, result.score() + regularization, batch.examples());
    }
}
