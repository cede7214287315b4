package io.github.dl4jpipeline.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Link;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.fixture.OnSeparateMemory;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.report.PipelineReport;
import io.github.dl4jpipeline.report.StepTimeline;
import io.github.dl4jpipeline.report.TransferReport;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Timeline;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** What the report says of transfers between devices with their own memory. */
@ExtendWith(OnSeparateMemory.class)
class SeparateMemoryReportTest {
    private static final int MICRO_BATCHES = 3;

    private final Link link = new Link();
    private final ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
    private final MultiDataSet batch = TestData.classification(DataType.DOUBLE, 1, 11, 4, 1, 14, 14);
    private final PartitionPlan plan = OnSeparateMemory.moved(SameResult.evenPlan(graph, 3, MICRO_BATCHES));

    @AfterEach
    void transfersTakeNoTime() {
        link.close();
    }

    private PipelineReport reportOfThreeSteps() {
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).plan(plan).build()) {
            for (int step = 0; step < 3; step++) {
                net.fit(batch);
            }
            return net.report();
        }
    }

    /** Bytes of the whole batch, from the last vertex of a stage to the next stage. */
    private long cutBytes(int stage) {
        List<String> vertices = plan.stages().get(stage).vertices();
        Map<String, INDArray> activations = graph.feedForward(batch.getFeatures(), false, true);
        return Transfers.bytes(activations.get(vertices.get(vertices.size() - 1)));
    }

    @Test
    void bytesOfAStepArePartedByPurposeAndWay() {
        PipelineReport report = reportOfThreeSteps();
        List<TransferReport> between = report.transfers().stream()
                .filter(TransferReport::betweenStages)
                .toList();
        assertThat(between)
                .extracting(way -> way.route().kind(), way -> way.route().from(), way -> way.route()
                        .to())
                .map(way -> way.toList().toString())
                .containsExactly(
                        "[activations, device-0, device-1]",
                        "[activations, device-1, device-2]",
                        "[errors, device-1, device-0]",
                        "[errors, device-2, device-1]");
        assertThat(between).allMatch(transfer -> Math.abs(transfer.count() - MICRO_BATCHES) < 1e-9);
        assertThat(between)
                .extracting(TransferReport::bytes)
                .containsExactly(
                        (double) cutBytes(0), (double) cutBytes(1), (double) cutBytes(0), (double) cutBytes(1));
        double inputs = (double) Transfers.bytes(batch.getFeatures(0)) + (double) Transfers.bytes(batch.getLabels(0));
        assertThat(bytes(report, Transfers.Kind.INPUT)).isCloseTo(inputs, within(1e-3));
        assertThat(bytes(report, Transfers.Kind.GATHER)).isPositive();
        assertThat(report.toString())
                .contains("  between stages: activations, device-0 to device-1: ")
                .contains("  inputs, labels and masks, host to device-0: ")
                .contains("  parameters and updater state, device-2 to host: ");
    }

    private static double bytes(PipelineReport report, Transfers.Kind kind) {
        return report.transfers().stream()
                .filter(transfer -> transfer.route().kind() == kind)
                .mapToDouble(TransferReport::bytes)
                .sum();
    }

    /** Over a link on which every transfer takes some milliseconds. */
    @Test
    void theTimelineOfTheLastStepShowsEveryTransferWithinATask() {
        link.setBandwidth(cutBytes(0) / (MICRO_BATCHES * 4e-3));
        PipelineReport report = reportOfThreeSteps();
        StepTimeline last = report.lastStep().orElseThrow();
        assertThat(last.tasks().spans()).hasSize(2 * 3 * MICRO_BATCHES);
        Map<Transfers.Kind, List<StepTimeline.Transfer>> transfers = last.transfers().stream()
                .collect(Collectors.groupingBy(transfer -> transfer.route().kind()));
        assertThat(transfers)
                .containsOnlyKeys(Transfers.Kind.INPUT, Transfers.Kind.ACTIVATION, Transfers.Kind.ERROR)
                .hasEntrySatisfying(
                        Transfers.Kind.ACTIVATION, sent -> assertThat(sent).hasSize(2 * MICRO_BATCHES))
                .hasEntrySatisfying(
                        Transfers.Kind.ERROR, sent -> assertThat(sent).hasSize(2 * MICRO_BATCHES));
        for (StepTimeline.Transfer transfer : last.transfers()) {
            boolean isError = transfer.route().kind() == Transfers.Kind.ERROR;
            String worker = isError ? transfer.route().from() : transfer.route().to();
            Task.Pass pass = isError ? Task.Pass.BACKWARD : Task.Pass.FORWARD;
            assertThat(last.tasks().spans())
                    .as(transfer.toString())
                    .anyMatch(span -> span.task().pass() == pass
                            && ("device-" + span.task().stage()).equals(worker)
                            && contains(span, transfer));
        }
        assertThat(report.toString())
                .containsPattern("stage 0 on device-0 +\\|[.]*0")
                .containsPattern("activations, device-1 to device-2 +\\|[.]+=")
                .containsPattern("errors, device-1 to device-0 +\\|[.]+=");
    }

    private static boolean contains(Timeline.Span span, StepTimeline.Transfer transfer) {
        return span.startMillis() <= transfer.startMillis() && transfer.endMillis() <= span.endMillis();
    }
}
