package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.util.List;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;

class MultiLayerNetworkTest {
    private final List<MultiDataSet> batches =
            TestData.several(4, seed -> TestData.classification(DataType.DOUBLE, seed, 9, 3, 1, 8, 8));

    private static MultiLayerNetwork network(boolean miniBatch) {
        MultiLayerConfiguration configuration = TestGraphs.settings(DataType.DOUBLE)
                .updater(new Adam(0.01))
                .l2(0.01)
                .miniBatch(miniBatch)
                .list()
                .layer(new ConvolutionLayer.Builder(3, 3).nOut(4).build())
                .layer(new ConvolutionLayer.Builder(3, 3).nOut(5).name("second").build())
                .layer(new DenseLayer.Builder().nOut(7).build())
                .layer(TestGraphs.softmax(3))
                .setInputType(InputType.convolutional(8, 8, 1))
                .build();
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        return network;
    }

    @Test
    void sameResultAsPlainFit() {
        for (boolean miniBatch : new boolean[] {true, false}) {
            MultiLayerNetwork network = network(miniBatch);
            MultiLayerNetwork expected = network(miniBatch);
            network.fit(TestData.single((org.nd4j.linalg.dataset.MultiDataSet) batches.get(0)));
            for (MultiDataSet batch : batches) {
                expected.fit(TestData.single((org.nd4j.linalg.dataset.MultiDataSet) batch));
            }
            try (PipelineComputationGraph net =
                    PipelineComputationGraph.builder(network).stages(3).build()) {
                batches.subList(1, 4).forEach(net::fit);
                assertThat(net.score()).isCloseTo(expected.score(), org.assertj.core.data.Offset.offset(1e-9));
            }
            SameResult.assertSame(network.paramTable(), expected.paramTable(), 1e-10);
            assertThat(SameResult.difference(
                            network.getUpdater().getStateViewArray(),
                            expected.getUpdater().getStateViewArray()))
                    .isLessThan(1e-10);
            assertThat(network.getIterationCount()).isEqualTo(4);
            network.fit(TestData.single((org.nd4j.linalg.dataset.MultiDataSet) batches.get(0)));
            expected.fit(TestData.single((org.nd4j.linalg.dataset.MultiDataSet) batches.get(0)));
            SameResult.assertSame(network.paramTable(), expected.paramTable(), 1e-10);
        }
    }

    @Test
    void learningRateAndEpochsReachTheNetwork() {
        MultiLayerNetwork network = network(true);
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(network).build()) {
            net.setLearningRate(0.125);
            net.fit(new org.deeplearning4j.datasets.iterator.IteratorMultiDataSetIterator(batches.iterator(), 9));
            assertThat(network.getLearningRate(0)).isEqualTo(0.125);
            assertThat(network.getEpochCount()).isEqualTo(1);
            assertThat(network.getIterationCount()).isEqualTo(4);
        }
    }
}
