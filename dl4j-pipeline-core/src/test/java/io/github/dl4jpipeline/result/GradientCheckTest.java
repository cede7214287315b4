package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.NoOp;

/** Deeplearning4j's numerical gradient check, on pipelines. */
class GradientCheckTest {

    @BeforeAll
    static void doublePrecision() {
        Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    }

    @AfterAll
    static void singlePrecision() {
        Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
    }

    @Test
    void convolutionalNetwork() {
        check(
                TestGraphs.graph(TestGraphs.leNet(DataType.DOUBLE, settings -> settings.updater(new NoOp()))),
                TestData.classification(DataType.DOUBLE, 1, 5, 4, 1, 14, 14));
    }

    @Test
    void residualNetwork() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.residual(DataType.DOUBLE, false));
        check(withoutUpdater(graph), TestData.classification(DataType.DOUBLE, 1, 5, 4, 3, 8, 8));
    }

    @Test
    void lstm() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.lstm(DataType.DOUBLE));
        check(withoutUpdater(graph), TestData.sequences(DataType.DOUBLE, 1, 5, 4, 3, 2, true));
    }

    /** The check wants an updater that leaves the gradient as it is. */
    private static ComputationGraph withoutUpdater(ComputationGraph graph) {
        for (org.deeplearning4j.nn.api.Layer layer : graph.getLayers()) {
            if (layer.conf().getLayer() instanceof org.deeplearning4j.nn.conf.layers.BaseLayer conf) {
                conf.setIUpdater(new NoOp());
            }
        }
        return graph;
    }

    private static void check(ComputationGraph graph, MultiDataSet batch) {
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .plan(SameResult.evenPlan(graph, 2, 2))
                .build()) {
            boolean passed = GradientCheckUtil.checkGradients(new GradientCheckUtil.GraphConfig()
                    .net(net)
                    .inputs(batch.getFeatures())
                    .labels(batch.getLabels())
                    .inputMask(batch.getFeaturesMaskArrays())
                    .labelMask(batch.getLabelsMaskArrays())
                    .subset(true)
                    .maxPerParam(25)
                    .epsilon(1e-6)
                    .maxRelError(1e-5)
                    .minAbsoluteError(1e-8)
                    .print(GradientCheckUtil.PrintMode.FAILURES_ONLY));
            assertThat(passed).isTrue();
        }
    }
}
