package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.device.WholeProcess;
import io.github.dl4jpipeline.internal.execute.StepRequest;
import io.github.dl4jpipeline.internal.execute.StepResult;
import io.github.dl4jpipeline.internal.execute.TaskController;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.memory.ParameterMemory;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.RecurrentStates;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;

/** Trains one replica of one stage in this process, step by step, together with peers that train the others. */
public final class StageTraining {
    private final Assignment assignment;
    private final ClusterPeers peers;
    private final Untouched untouched = new Untouched();
    private final WorkerGraph graph;
    private final PartitionPlan plan;

    /** Steps before the last checkpoint that was sent; -1 if there was none. */
    private long stored = -1;

    /** @param device what the stage runs on, of this process */
    public StageTraining(Assignment assignment, ClusterPeers peers, Device device) {
        this.assignment = assignment;
        this.peers = peers;
        WholeProcess.prepare();
        ComputationGraphConfiguration configuration =
                ComputationGraphConfiguration.fromJson(assignment.configuration());
        this.graph = new WorkerGraph(configuration, assignment.parameters(), assignment.state(), untouched);
        this.plan = here(PartitionPlan.fromJson(assignment.plan()), peers.worker(), device);
        configuration.setIterationCount(assignment.from().iteration());
        configuration.setEpochCount(assignment.from().epoch());
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
            stages.add(stage.on(devices).withoutPredictions());
        }
        return plan.withStages(stages);
    }

    /**
     * Trains all epochs, once. The host has the result when this returns.
     *
     * @param data gives this worker's {@linkplain BatchCutter#piece pieces} of the batches of one epoch; asked at the beginning of each
     */
    public void run(Supplier<? extends Iterator<byte[]>> data) {
        try (Untouched ignored = untouched;
                TaskController controller = new TaskController(new TaskController.Setup(
                        graph,
                        plan,
                        plan.schedule(),
                        KernelChoice.all(Kernels.FAST),
                        assignment.perMicroBatch()
                                ? BatchNormStatistics.PER_MICRO_BATCH
                                : BatchNormStatistics.FULL_BATCH,
                        null,
                        plan.devices().list(),
                        peers))) {
            Progress now = assignment.from();
            while (now.epoch() < assignment.untilEpoch()) {
                try (ReadAhead batches = new ReadAhead(data.get(), now.batches())) {
                    now = epoch(controller, batches, now);
                }
                graph.incrementEpochCount();
            }
            store(controller, now, true);
            peers.awaitStored(stored);
        }
    }

    private Progress epoch(TaskController controller, ReadAhead batches, Progress begin) {
        Progress now = begin;
        boolean more = batches.hasNext();
        while (more) {
            Progress before = now;
            now = batch(controller, batches, now);
            more = batches.hasNext();
            int every = assignment.checkpointEvery();
            boolean end = !more && now.epoch() + 1 == assignment.untilEpoch();
            if (every > 0 && now.iteration() / every > before.iteration() / every && !end) {
                store(controller, now, false);
            }
        }
        return now.afterEpoch();
    }

    private void store(TaskController controller, Progress now, boolean last) {
        peers.awaitStored(stored);
        stored = now.iteration();
        controller.parameters().gather();
        peers.stored(now, last);
    }

    /** One step, or one for each segment of its sequences. */
    private Progress batch(TaskController controller, ReadAhead batches, Progress now) {
        try {
            MicroBatch batch = batches.next();
            List<MicroBatch> segments = Sequences.segments(graph.getConfiguration(), batch);
            RecurrentStates states = Sequences.areCut(graph.getConfiguration()) ? new RecurrentStates() : null;
            for (int i = 0; i < segments.size(); i++) {
                step(controller, segments.get(i).with(states), now.iteration() + i, now.epoch());
                if (states != null) {
                    states.advance();
                }
            }
            batches.giveBack(batch);
            return now.afterBatch(segments.size());
        } catch (PipelineException | IllegalArgumentException e) {
            throw new PipelineException(
                    e.getMessage() + " (batch " + now.batches() + " of epoch " + now.epoch() + ", counted from 0)", e);
        }
    }

    private void step(TaskController controller, MicroBatch batch, int iteration, int epoch) {
        ParameterMemory parameters = controller.parameters();
        parameters.beginStep();
        double regularization = parameters.regularization();
        StepResult result = controller.run(new StepRequest(batch, iteration, epoch, 0, false));
        graph.setExamples((int) batch.examples());
        parameters.update(LayerWorkspaceMgr.noWorkspaces());
        graph.getConfiguration().setIterationCount(iteration + 1);
        parameters.applyConstraints(iteration, epoch, () -> {});
        peers.stepDone(iteration, epoch, result.score() + regularization);
    }
}
