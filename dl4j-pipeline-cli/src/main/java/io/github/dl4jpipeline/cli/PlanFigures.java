package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.List;

/** What {@code plan --json} writes. Times of stages are for one micro-batch. */
record PlanFigures(
        String kind,
        List<StageFigures> stages,
        double bottleneckMillis,
        double sumMillis,
        int microBatches,
        double predictedStepMillis,
        double latestExecutionMillis,
        double oneDeviceMillis,
        double bubble,
        List<AlternativeFigures> alternatives) {

    record StageFigures(
            List<String> vertices,
            String device,
            List<String> devices,
            int replicas,
            double timeMillis,
            long sentBytes,
            long memoryBytes,
            boolean recompute) {
        static StageFigures of(Stage stage) {
            return new StageFigures(
                    stage.vertices(),
                    stage.device().id(),
                    stage.devices().stream().map(Device::id).toList(),
                    stage.replicas(),
                    stage.forwardMillis() + stage.backwardMillis(),
                    stage.sentBytes(),
                    stage.memoryBytes(),
                    stage.recompute());
        }
    }

    record AlternativeFigures(String kind, int stages, int workers, int microBatches, double predictedStepMillis) {}

    static PlanFigures of(PartitionPlan plan) {
        List<StageFigures> stages = plan.stages().stream().map(StageFigures::of).toList();
        return new PlanFigures(
                plan.kind().toString(),
                stages,
                plan.bottleneckMillis(),
                stages.stream().mapToDouble(StageFigures::timeMillis).sum(),
                plan.microBatches(),
                plan.predictedStepTime().toNanos() / 1e6,
                plan.latestExecutionTime().toNanos() / 1e6,
                plan.oneDeviceTime().toNanos() / 1e6,
                plan.bubble(),
                plan.alternatives().stream()
                        .map(other -> new AlternativeFigures(
                                other.kind(),
                                other.stages(),
                                other.workers(),
                                other.microBatches(),
                                other.predictedStepTime().toNanos() / 1e6))
                        .toList());
    }
}
