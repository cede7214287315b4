package io.github.dl4jpipeline.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;

/** Events for Java Flight Recorder. */
class FlightRecorderTest {
    @TempDir
    private Path directory;

    private List<RecordedEvent> events(Devices devices) throws IOException {
        Path file = directory.resolve("run.jfr");
        ComputationGraph graph = Network.LENET.graph(DataType.FLOAT);
        try (Recording recording = new Recording()) {
            for (String name : List.of("Step", "Task", "Copy", "Plan")) {
                recording.enable("dl4jpipeline." + name).withoutThreshold();
            }
            recording.start();
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .devices(devices)
                    .plan(SameResult.evenPlan(graph, 2, 3))
                    .build()) {
                net.fit(Network.LENET.batches(DataType.FLOAT, 1).get(0));
            }
            recording.stop();
            recording.dump(file);
        }
        return RecordingFile.readAllEvents(file);
    }

    private static List<RecordedEvent> named(List<RecordedEvent> events, String name) {
        return events.stream()
                .filter(event -> event.getEventType().getName().equals("dl4jpipeline." + name))
                .toList();
    }

    @Test
    void stepsTasksAndPlans() throws IOException {
        List<RecordedEvent> events = events(Devices.cpu(2));
        assertThat(named(events, "Task"))
                .hasSize(12) // 2 stages, 3 micro-batches, forward and backward
                .allSatisfy(task -> {
                    assertThat(task.getStackTrace()).isNull();
                    assertThat(task.getString("pass")).isIn("FORWARD", "BACKWARD");
                    assertThat(task.getInt("stage")).isBetween(0, 1);
                    assertThat(task.getInt("microBatch")).isBetween(0, 2);
                });
        assertThat(named(events, "Step")).singleElement().satisfies(step -> {
            assertThat(step.getLong("examples")).isEqualTo(11);
            assertThat(step.getDouble("score")).isPositive();
            assertThat(step.getString("plan")).contains("stages 2");
        });
        assertThat(named(events, "Plan")).hasSize(1);
    }
}
