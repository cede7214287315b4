package io.github.dl4jpipeline.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.PipelineMetrics;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.Network;
import io.github.dl4jpipeline.fixture.SameResult;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Metrics for Micrometer. */
class MetricsTest {
    private static final int STEPS = 3;

    private static long train(MeterRegistry registry) {
        ComputationGraph graph = Network.LENET.graph(DataType.FLOAT);
        MultiDataSet batch = Network.LENET.batches(DataType.FLOAT, 1).get(0);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(Devices.cpu(2))
                .plan(SameResult.evenPlan(graph, 2, 4))
                .listener(new PipelineMetrics(registry, "model", "lenet"))
                .build()) {
            for (int i = 0; i < STEPS; i++) {
                net.fit(batch);
            }
            MultiDataSet wrong = new org.nd4j.linalg.dataset.MultiDataSet(Nd4j.ones(2, 3), Nd4j.ones(2, 4));
            assertThatThrownBy(() -> net.fit(wrong)).isInstanceOf(RuntimeException.class);
        }
        return batch.getFeatures(0).size(0);
    }

    @Test
    void stepsAndStages() {
        MeterRegistry registry = new SimpleMeterRegistry();
        long examples = train(registry);
        assertThat(registry.get("dl4j.pipeline.step").timer().count()).isEqualTo(STEPS);
        assertThat(registry.get("dl4j.pipeline.examples").counter().count()).isEqualTo((double) (STEPS * examples));
        assertThat(registry.get("dl4j.pipeline.score").gauge().value()).isPositive();
        assertThat(registry.get("dl4j.pipeline.plan.changes").counter().count()).isZero();
        for (String stage : new String[] {"0", "1"}) {
            assertThat(registry.get("dl4j.pipeline.stage.busy")
                            .tags("model", "lenet", "stage", stage)
                            .timer()
                            .totalTime(TimeUnit.NANOSECONDS))
                    .isPositive();
            assertThat(registry.get("dl4j.pipeline.stage.memory")
                            .tag("stage", stage)
                            .gauge()
                            .value())
                    .isPositive();
        }
    }

    @Test
    void asPrometheusReadsThem() {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        train(registry);
        assertThat(registry.scrape())
                .contains(
                        "dl4j_pipeline_step_seconds_count{model=\"lenet\"} 3",
                        "dl4j_pipeline_stage_busy_seconds_count{model=\"lenet\",stage=\"1\"} 3",
                        "dl4j_pipeline_examples_total",
                        "dl4j_pipeline_stage_memory_bytes");
    }
}
