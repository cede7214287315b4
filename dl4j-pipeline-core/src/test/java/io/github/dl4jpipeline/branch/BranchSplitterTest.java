package io.github.dl4jpipeline.branch;

import static io.github.dl4jpipeline.fixture.TestGraphs.convolution;
import static io.github.dl4jpipeline.fixture.TestGraphs.dense;
import static io.github.dl4jpipeline.fixture.TestGraphs.graph;
import static io.github.dl4jpipeline.fixture.TestGraphs.settings;
import static io.github.dl4jpipeline.fixture.TestGraphs.softmax;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.exception.UnsplittableGraphException;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.util.List;
import java.util.function.UnaryOperator;
import org.assertj.core.data.Offset;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class BranchSplitterTest {
    private static final InputType IMAGENET = InputType.convolutional(224, 224, 3);

    @ParameterizedTest
    @CsvSource({"1, 61706", "2, 31466", "4, 16094", "8, 8834"})
    void leNet5HasThePublishedNumbersOfParameters(int branches, long parameters) {
        ComputationGraph graph =
                graph(BranchSplitter.branches(branches).sharedClassifier(true).split(BranchGraphs.leNet5()));
        assertThat(graph.numParams()).isEqualTo(parameters);
        assertThat(graph.outputSingle(Nd4j.zeros(DataType.FLOAT, 3, 1, 28, 28)).shape())
                .containsExactly(3, 10);
    }

    @ParameterizedTest
    @CsvSource({"1, 11.69", "2, 6.11", "4, 3.32", "8, 1.93"})
    void resNet18HasThePublishedNumbersOfParameters(int branches, double millions) {
        ComputationGraphConfiguration split = BranchSplitter.branches(branches).split(BranchGraphs.resNet18());
        assertThat(BranchCost.of(split, IMAGENET).parameters() / 1e6).isCloseTo(millions, Offset.offset(0.005));
    }

    @Test
    void partsOfASplitNetworkAddUpToIt() {
        ComputationGraphConfiguration split = BranchSplitter.branches(4).split(BranchGraphs.resNet18());
        List<BranchCost> parts = BranchCost.ofParts(split, IMAGENET);
        BranchCost whole = BranchCost.of(split, IMAGENET);
        assertThat(parts).hasSize(5);
        assertThat(parts.stream().mapToLong(BranchCost::parameters).sum()).isEqualTo(whole.parameters());
        assertThat(parts.stream().mapToLong(BranchCost::memoryBytes).sum()).isEqualTo(whole.memoryBytes());
        assertThat(parts.stream().mapToLong(BranchCost::multiplyAdds).sum()).isEqualTo(whole.multiplyAdds());
        // The count of ResNet-18's multiply-adds that is usually given.
        assertThat(BranchCost.of(BranchGraphs.resNet18(), IMAGENET).multiplyAdds() / 1e9)
                .isCloseTo(1.81, Offset.offset(0.01));
    }

    @Test
    void oneBranchIsTheNetwork() {
        ComputationGraph original = graph(TestGraphs.residual(DataType.DOUBLE, true));
        ComputationGraph split = graph(BranchSplitter.branches(1).split(original.getConfiguration()));
        assertThat(split.numParams()).isEqualTo(original.numParams());
        split.setParams(original.params());
        INDArray image = Nd4j.rand(DataType.DOUBLE, 2, 3, 8, 8);
        assertThat(split.outputSingle(image)).isEqualTo(original.outputSingle(image));
    }

    @Test
    void carriesLayersOver() {
        ComputationGraphConfiguration split =
                BranchSplitter.branches(2).sharedClassifier(false).split(BranchGraphs.alexNet());
        assertThat(split.getVertices())
                .containsKeys("branch0-lrn", "branch1-lrn", "branch0-conv1", "branch1-dense1", "join");
        assertThat(layer(split, "branch1-dense1").getIDropout())
                .isEqualTo(new Dropout(0.5))
                .isNotSameAs(layer(split, "branch0-dense1").getIDropout());
        assertThat(layer(split, "branch0-conv1").getNOut()).isEqualTo(4);
        assertThat(layer(split, "branch0-dense1").getNIn()).isEqualTo(6 * 6 * 6);
        graph(split).outputSingle(Nd4j.zeros(DataType.DOUBLE, 2, 3, 12, 12));
    }

    @Test
    void branchesStartWithDifferentWeights() {
        ComputationGraph graph = graph(BranchSplitter.branches(2).split(BranchGraphs.leNet5()));
        assertThat(graph.getParam("branch0-conv1_W")).isNotEqualTo(graph.getParam("branch1-conv1_W"));
    }

    @Test
    void splitClassifierSharesClassesOut() {
        ComputationGraphConfiguration split =
                BranchSplitter.branches(4).sharedClassifier(false).split(BranchGraphs.leNet5());
        assertThat(List.of(0, 1, 2, 3))
                .extracting(
                        branch -> layer(split, "branch" + branch + "-output").getNOut())
                .containsExactly(3L, 3L, 2L, 2L);
        assertThat(layer(split, "branch0-output")).isInstanceOf(DenseLayer.class);
        FeedForwardLayer loss = layer(split, "output");
        assertThat(loss).isInstanceOf(LossLayer.class);
        assertThat(loss.getActivationFn()).isInstanceOf(ActivationSoftmax.class);
        assertThat(((LossLayer) loss).getLossFn())
                .isEqualTo(((OutputLayer) layer(BranchGraphs.leNet5(), "output")).getLossFn());
        INDArray output = graph(split).outputSingle(Nd4j.rand(DataType.FLOAT, 2, 1, 28, 28));
        assertThat(output.shape()).containsExactly(2, 10);
        assertThat(output.sum(1).toFloatVector()).containsExactly(new float[] {1, 1}, Offset.offset(1e-5f));
    }

    @Test
    void darknetPoolsBeforeItsBranchesMeetIfTheClassifierIsSplit() {
        ComputationGraphConfiguration split =
                BranchSplitter.branches(2).sharedClassifier(false).split(BranchGraphs.darknet());
        assertThat(BranchLayout.of(split).branches())
                .extracting(BranchLayout.Branch::output)
                .containsExactly("branch0-average", "branch1-average");
        assertThat(BranchLayout.of(split).head()).containsExactly("join", "softmax", "loss");
        assertThat(graph(split)
                        .outputSingle(Nd4j.zeros(DataType.DOUBLE, 1, 3, 8, 8))
                        .shape())
                .containsExactly(1, 5);

        ComputationGraphConfiguration shared = BranchSplitter.branches(2).split(BranchGraphs.darknet());
        assertThat(BranchLayout.of(shared).head()).containsExactly("join", "conv2", "average", "softmax", "loss");
        assertThat(layer(shared, "conv2").getNIn()).isEqualTo(8);
        graph(shared).outputSingle(Nd4j.zeros(DataType.DOUBLE, 1, 3, 8, 8));
    }

    @Test
    void severalInputsGoWholeToEachBranch() {
        ComputationGraphConfiguration split = BranchSplitter.branches(2).split(BranchGraphs.twoInputs());
        assertThat(BranchLayout.of(split).branches())
                .extracting(BranchLayout.Branch::inputs)
                .containsExactly(List.of("image", "values"), List.of("image", "values"));
        assertThat(layer(split, "branch1-hidden").getNIn()).isEqualTo(7);
        graph(split).outputSingle(Nd4j.zeros(DataType.DOUBLE, 1, 1, 6, 6), Nd4j.zeros(DataType.DOUBLE, 1, 3));
    }

    @Test
    void fatteningRoundsAndLeavesTheClassifierAlone() {
        ComputationGraphConfiguration split =
                BranchSplitter.branches(4).fatten(0.1).split(BranchGraphs.leNet5());
        // 6 / 4 * 1.1 = 1.65, 16 / 4 * 1.1 = 4.4, 120 / 4 * 1.1 = 33, 84 / 4 * 1.1 = 23.1
        assertThat(List.of("conv1", "conv2", "dense1", "dense2"))
                .extracting(name -> layer(split, "branch3-" + name).getNOut())
                .containsExactly(2L, 4L, 33L, 23L);
        assertThat(layer(split, "output").getNIn()).isEqualTo(4 * 23);
        assertThat(layer(split, "output").getNOut()).isEqualTo(10);
    }

    @Test
    void branchesMayBeFattenedDifferently() {
        ComputationGraphConfiguration split =
                BranchSplitter.branches(2).fatten(0, 0.5).split(BranchGraphs.leNet5());
        assertThat(layer(split, "branch0-dense2").getNOut()).isEqualTo(42);
        assertThat(layer(split, "branch1-dense2").getNOut()).isEqualTo(63);
        assertThat(layer(split, "output").getNIn()).isEqualTo(105);
        graph(split).outputSingle(Nd4j.zeros(DataType.FLOAT, 1, 1, 28, 28));

        assertThatThrownBy(() -> BranchSplitter.branches(3).fatten(0, 0.5).split(BranchGraphs.leNet5()))
                .hasMessageContaining("2 fattening factors for 3 branches");
    }

    @Test
    void findsTheFewestBranchesThatFit() {
        InputType image = InputType.convolutional(28, 28, 1);
        BranchCost of4 = BranchCost.ofParts(BranchSplitter.branches(4).split(BranchGraphs.leNet5()), image)
                .get(0);
        BranchBudget exactly4 = new BranchBudget(of4.memoryBytes(), Long.MAX_VALUE);
        assertThat(branchesFitting(exactly4)).isEqualTo(4);
        assertThat(branchesFitting(new BranchBudget(of4.memoryBytes() - 1, Long.MAX_VALUE)))
                .isEqualTo(8);
        assertThat(branchesFitting(new BranchBudget(Long.MAX_VALUE, of4.multiplyAdds())))
                .isEqualTo(4);
        assertThat(branchesFitting(new BranchBudget(Long.MAX_VALUE, Long.MAX_VALUE)))
                .isEqualTo(1);
        assertThatThrownBy(() -> branchesFitting(new BranchBudget(100, Long.MAX_VALUE)))
                .isInstanceOf(UnsplittableGraphException.class)
                .hasMessageContaining("more than the 100 bytes");
    }

    private static int branchesFitting(BranchBudget budget) {
        BranchSplitter splitter = BranchSplitter.fitting(budget, InputType.convolutional(28, 28, 1));
        return BranchLayout.of(splitter.split(BranchGraphs.leNet5())).branches().size();
    }

    @Test
    void namesWhatCannotBeSplit() {
        assertRefused(TestGraphs.lstm(DataType.FLOAT), "'output'", "RnnOutputLayer");
        assertRefused(TestGraphs.lastStep(DataType.FLOAT), "'both'", "class Bidirectional cannot be narrowed");
        assertRefused(TestGraphs.twoInputsTwoOutputs(DataType.FLOAT), "outputs [classes, values]");
        assertRefused(nchw(builder -> builder.dataFormat(CNN2DFormat.NHWC)), "'conv'", "NHWC");
        assertRefused(
                settings(DataType.FLOAT)
                        .graphBuilder()
                        .addInputs("image")
                        .setInputTypes(InputType.convolutional(6, 6, 4))
                        .addLayer("conv", convolution(4), "image")
                        .addVertex("add", new ElementWiseVertex(ElementWiseVertex.Op.Add), "conv", "image")
                        .addLayer("output", softmax(3), "add")
                        .setOutputs("output")
                        .build(),
                "'add'",
                "an input of the network");
        assertRefused(
                settings(DataType.FLOAT)
                        .graphBuilder()
                        .addInputs("values")
                        .addLayer("output", softmax(4, 3), "values")
                        .setOutputs("output")
                        .build(),
                "no layer before its classifier 'output'");
        assertThatThrownBy(() ->
                        BranchSplitter.branches(16).sharedClassifier(false).split(BranchGraphs.leNet5()))
                .isInstanceOf(UnsplittableGraphException.class)
                .hasMessageContaining("'output'")
                .hasMessageContaining("10 classes cannot be split over 16 branches");
    }

    private static ComputationGraphConfiguration nchw(UnaryOperator<ConvolutionLayer.Builder> change) {
        return settings(DataType.FLOAT)
                .graphBuilder()
                .addInputs("image")
                .addLayer(
                        "conv",
                        change.apply(new ConvolutionLayer.Builder(1, 1).nIn(2).nOut(2))
                                .build(),
                        "image")
                .addLayer("dense", dense(2, 2), "conv")
                .addLayer("output", softmax(2, 3), "dense")
                .setOutputs("output")
                .build();
    }

    private static void assertRefused(ComputationGraphConfiguration configuration, String... message) {
        assertThatThrownBy(() -> BranchSplitter.branches(2).split(configuration))
                .isInstanceOf(UnsplittableGraphException.class)
                .hasMessageContainingAll(message);
    }

    private static FeedForwardLayer layer(ComputationGraphConfiguration configuration, String name) {
        return (FeedForwardLayer) ((LayerVertex) configuration.getVertices().get(name))
                .getLayerConf()
                .getLayer();
    }
}
