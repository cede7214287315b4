package io.github.dl4jpipeline.internal.layers;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.graph.Kernels;
import java.util.LinkedHashMap;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.params.BatchNormalizationParamInitializer;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Batch normalization in float against double, where its sums are hard: of many elements that are positive, and equal in part,
 * as those behind a ReLU.
 */
class BatchNormAccuracyTest {
    /** Sums that lose nothing still end in a few operations that round. */
    private static final double FEW_ROUNDINGS = 4e-7;

    private static final int CHANNELS = 6;

    @ParameterizedTest
    @CsvSource({"NCHW, 77", "NCHW, 34", "NCHW, 3", "NHWC, 77", "NHWC, 9"})
    void roundsNoMoreThanDeeplearning4j(CNN2DFormat format, int side) {
        Nd4j.getRandom().setSeed(5);
        long[] shape = format == CNN2DFormat.NCHW
                ? new long[] {4, CHANNELS, side, side}
                : new long[] {4, side, side, CHANNELS};
        INDArray input = Transforms.relu(Nd4j.randn(DataType.FLOAT, shape).muli(4), false);
        INDArray error =
                Transforms.relu(Nd4j.randn(DataType.FLOAT, shape), false).muli(1e-3);
        Map<String, INDArray> exact = passes(format, side, DataType.DOUBLE, Kernels.STOCK, input, error);
        Map<String, INDArray> stock = passes(format, side, DataType.FLOAT, Kernels.STOCK, input, error);
        Map<String, INDArray> fast = passes(format, side, DataType.FLOAT, Kernels.FAST, input, error);
        exact.forEach((name, array) -> assertThat(error(fast.get(name), array))
                .as(name)
                .isLessThanOrEqualTo(Math.max(FEW_ROUNDINGS, error(stock.get(name), array))));
    }

    private static double error(INDArray actual, INDArray exact) {
        return SameResult.difference(actual.castTo(DataType.DOUBLE), exact);
    }

    private static Map<String, INDArray> passes(
            CNN2DFormat format, int side, DataType type, Kernels kernels, INDArray input, INDArray error) {
        ComputationGraphConfiguration configuration = TestGraphs.settings(type)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(side, side, CHANNELS, format))
                .addLayer("norm", new BatchNormalization.Builder().build(), "image")
                .addLayer(
                        "loss",
                        new LossLayer.Builder().activation(Activation.IDENTITY).build(),
                        "norm")
                .setOutputs("loss")
                .build();
        ComputationGraph graph = TestGraphs.graph(configuration);
        FastLayers.replaceIn(graph, KernelChoice.all(kernels));
        graph.initGradientsView();
        Layer layer = graph.getLayer("norm");
        LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.noWorkspaces();
        layer.setInput(input.castTo(type), workspaces);
        Map<String, INDArray> results = new LinkedHashMap<>();
        results.put("output", layer.activate(true, workspaces).dup());
        Pair<Gradient, INDArray> backward =
                layer.backpropGradient(error.castTo(type).dup(), workspaces);
        results.put("input's error", backward.getSecond().dup());
        for (String name :
                new String[] {BatchNormalizationParamInitializer.GAMMA, BatchNormalizationParamInitializer.BETA}) {
            results.put(name, backward.getFirst().getGradientFor(name).dup());
        }
        return results;
    }
}
