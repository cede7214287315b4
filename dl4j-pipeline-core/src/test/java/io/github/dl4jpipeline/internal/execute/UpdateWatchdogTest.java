package io.github.dl4jpipeline.internal.execute;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.device.Link;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.fixture.OnSeparateMemory;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.memory.ParameterMemory;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.schedule.Schedules;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** The updater runs on devices with their own memory, and these may not answer. */
@ExtendWith(OnSeparateMemory.class)
@Timeout(120)
class UpdateWatchdogTest {
    private final Link link = new Link();
    private final CountDownLatch release = new CountDownLatch(1);

    @AfterEach
    void reset() {
        release.countDown();
        link.close();
    }

    @Test
    void anUpdateThatHangsEndsWithTheStacksOfTheWorkers() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE));
        graph.initGradientsView();
        MultiDataSet data = TestData.classification(DataType.DOUBLE, 1, 8, 4, 1, 14, 14);
        StepRequest request =
                new StepRequest(MicroBatch.whole(data.getFeatures(), data.getLabels(), null, null), 0, 0, 0, false);
        TaskController controller = new TaskController(
                new TaskController.Setup(
                        graph,
                        OnSeparateMemory.moved(SameResult.evenPlan(graph, 2, 2)),
                        Schedules.fillDrain(),
                        KernelChoice.all(Kernels.FAST),
                        BatchNormStatistics.FULL_BATCH,
                        null,
                        List.of()),
                Duration.ofMillis(500),
                Duration.ofSeconds(2));
        graph.setInputs(data.getFeatures());
        ParameterMemory parameters = controller.parameters();
        parameters.beginStep();
        controller.run(request);
        link.onSynchronize(() -> {
            try {
                release.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        assertThatThrownBy(() -> parameters.update(LayerWorkspaceMgr.noWorkspaces()))
                .isInstanceOf(PipelineException.class)
                .hasMessageContaining("Work between two passes does not end: No stage has ended its update for")
                .hasMessageContaining("SeparateMemoryRuntime.synchronize");
        assertThatThrownBy(() -> controller.run(request))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("hangs");
        release.countDown();
        controller.close();
    }
}
