package io.github.dl4jpipeline.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Timeline;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TimelineDrawingTest {
    @Test
    void tasksAndCopiesAreWhereTheirTimesAre() {
        Devices devices = Devices.cpu(2);
        PartitionPlan plan = PartitionPlan.of(
                List.of(Stage.of(devices.get(0), List.of("one")), Stage.of(devices.get(1), List.of("two"))), 2);
        Timeline tasks = new Timeline(
                Workers.straight(2),
                List.of(
                        new Timeline.Span(0, Task.forward(0, 0), 0, 12),
                        new Timeline.Span(0, Task.forward(0, 1), 12, 24),
                        new Timeline.Span(1, Task.forward(1, 0), 12, 24),
                        new Timeline.Span(1, Task.backward(1, 0), 24, 36),
                        new Timeline.Span(1, Task.forward(1, 1), 36, 48),
                        new Timeline.Span(0, Task.backward(0, 0), 36, 48),
                        new Timeline.Span(1, Task.backward(1, 1), 48, 60),
                        new Timeline.Span(0, Task.backward(0, 1), 60, 72)));
        String drawing = TimelineDrawing.of(
                plan,
                new StepTimeline(
                        tasks,
                        List.of(
                                new StepTimeline.Transfer(
                                        new Transfers.Route(Transfers.Kind.ERROR, "b", "a"), "one", 8, 33, 36),
                                new StepTimeline.Transfer(
                                        new Transfers.Route(Transfers.Kind.ACTIVATION, "a", "b"), "one", 8, 12, 12.1),
                                new StepTimeline.Transfer(
                                        new Transfers.Route(Transfers.Kind.ACTIVATION, "a", "b"),
                                        "one",
                                        8,
                                        71.9,
                                        73))));
        assertThat(drawing.lines().skip(1).map(line -> line.substring(line.indexOf('|'))))
                .containsExactly(
                        "|" + "0".repeat(12) + "1".repeat(12) + ".".repeat(12) + "a".repeat(12) + ".".repeat(12)
                                + "b".repeat(12) + "|",
                        "|" + ".".repeat(12) + "0".repeat(12) + "a".repeat(12) + "1".repeat(12) + "b".repeat(12)
                                + ".".repeat(12) + "|",
                        "|" + ".".repeat(12) + "=" + ".".repeat(58) + "=" + "|",
                        "|" + ".".repeat(33) + "===" + ".".repeat(36) + "|");
        assertThat(drawing.lines())
                .anyMatch(line -> line.startsWith("  stage 1 on cpu-1"))
                .anyMatch(line -> line.startsWith("  activations, a to b |"))
                .anyMatch(line -> line.startsWith("  errors, b to a"));
    }

    @Test
    void manyMicroBatchesHaveTheirNumbersBelow() {
        Devices devices = Devices.cpu(1);
        PartitionPlan plan = PartitionPlan.of(List.of(Stage.of(devices.get(0), List.of("one"))), 12);
        List<Timeline.Span> spans = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            spans.add(new Timeline.Span(0, Task.forward(0, i), 2 * i, 2 * i + 2));
            spans.add(new Timeline.Span(0, Task.backward(0, i), 24 + 4 * i, 28 + 4 * i));
        }
        String drawing =
                TimelineDrawing.of(plan, new StepTimeline(new Timeline(Workers.straight(1), spans), List.of()));
        assertThat(drawing.lines().skip(1).map(line -> line.substring("  stage 0 on cpu-0 ".length())))
                .containsExactly(
                        "|" + "FFff".repeat(6) + "BBBBbbbb".repeat(6) + "|",
                        " 0 1 2 3 4 5 6 7 8 9 10  0   1   2   3   4   5   6   7   8   9   10  11");
    }
}
