package io.github.dl4jpipeline.internal.execute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.fixture.Probe;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.schedule.Schedules;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

@Timeout(120)
class WatchdogTest {
    private final Probe probe = new Probe();
    private final CountDownLatch release = new CountDownLatch(1);

    @AfterEach
    void reset() {
        release.countDown();
        probe.close();
    }

    private final MultiDataSet data = TestData.classification(DataType.DOUBLE, 1, 8, 3, 6);
    private final StepRequest request =
            new StepRequest(MicroBatch.whole(data.getFeatures(), data.getLabels(), null, null), 0, 0, 0, false);

    private TaskController controller(int workers) {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("values")
                .addLayer("dense", TestGraphs.dense(6, 8), "values")
                .addVertex("probe", probe.vertex(), "dense")
                .addLayer("output", TestGraphs.softmax(8, 3), "probe")
                .setOutputs("output")
                .build());
        graph.initGradientsView();
        return new TaskController(
                new TaskController.Setup(
                        graph,
                        SameResult.inTurn(SameResult.evenPlan(graph, 2, 2), workers),
                        Schedules.fillDrain(),
                        KernelChoice.all(Kernels.FAST),
                        BatchNormStatistics.FULL_BATCH,
                        null,
                        List.of()),
                Duration.ofMillis(500),
                Duration.ofSeconds(2));
    }

    private void hang() {
        probe.onForward(() -> {
            try {
                release.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    @Test
    void aStepThatHangsEndsWithTheStacksOfTheWorkers() {
        hang();
        TaskController controller = controller(2);
        assertThatThrownBy(() -> controller.run(request))
                .isInstanceOf(PipelineException.class)
                .hasMessageContaining("does not end")
                .hasMessageContaining("ProbeVertex");
        assertThatThrownBy(() -> controller.run(request))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("hangs");
        release.countDown();
        controller.close();
    }

    @Test
    void aStepThatHangsInTheCallersThreadIsInterrupted() {
        hang();
        try (TaskController controller = controller(1)) {
            assertThatThrownBy(() -> controller.run(request))
                    .isInstanceOf(PipelineException.class)
                    .hasMessageContaining("(device cpu-0), vertex 'probe', micro-batch 1 of 2, forward pass")
                    .hasMessageContaining("No stage has begun a vertex for")
                    .hasMessageContaining("ProbeVertex");
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            release.countDown();
            controller.run(request);
        }
    }
}
