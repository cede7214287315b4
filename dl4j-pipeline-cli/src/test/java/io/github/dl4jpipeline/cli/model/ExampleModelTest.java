package io.github.dl4jpipeline.cli.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.cli.io.InputException;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

class ExampleModelTest {

    @ParameterizedTest
    @CsvSource({"alexnet-cifar, 14859082", "lenet, 657080", "resnet-cifar, 274042", "vgg16-cifar, 33638218"})
    void takesImagesAndGivesClasses(String name, long parameters) {
        ComputationGraph graph = ExampleModel.named(name).create(1);
        assertThat(graph.numParams()).isEqualTo(parameters);
        assertThat(graph.params().dataType()).isEqualTo(DataType.FLOAT);
        assertThat(graph.outputSingle(Nd4j.zeros(DataType.FLOAT, 2, 3, 32, 32)).shape())
                .containsExactly(2, 10);
    }

    @ParameterizedTest
    @CsvSource({
        "resnet18, 11699112, 224, 1000",
        "alexnet, 62378344, 224, 1000",
        "resnet50, 25636712, 96, 1000",
        "yolo-416, 3426708, 416, 20"
    })
    void takesLargeImages(String name, long parameters, int side, int classes) {
        NamedModel model = NamedModel.of(name, 1);
        assertThat(model.parameters()).isEqualTo(parameters);
        INDArray image = Nd4j.zeros(DataType.FLOAT, model.images().features(1));
        assertThat(model.graph().outputSingle(image).shape()).containsExactly(1, classes);
        assertThatThrownBy(() -> NamedModel.ofCifar(name, 1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'" + name + "' takes images of 3x" + side + "x" + side);
    }

    @Test
    void takesSequences() {
        NamedModel model = NamedModel.of("lstm", 1);
        DataSet batch = RandomBatch.of(model.shape(), 3, 1);
        assertThat(model.graph().outputSingle(batch.getFeatures()).shape())
                .isEqualTo(batch.getLabels().shape())
                .containsExactly(3, 10, 32);
        assertThat(batch.getLabels().sum(1)).isEqualTo(Nd4j.ones(DataType.FLOAT, 3, 32));
        assertThatThrownBy(model::images)
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'lstm' takes sequences of 64x32");
    }

    @ParameterizedTest
    @CsvSource({"transformer-encoder, 99594", "mlp, 10666", "autoencoder, 398294", "char-rnn, 870464"})
    void trainsOnItsBatch(String name, long parameters) {
        NamedModel model = NamedModel.of(name, 1);
        assertThat(model.parameters()).isEqualTo(parameters);
        ComputationGraph graph = model.graph();
        DataSet batch = RandomBatch.of(model.shape(), 3, 1);
        assertThat(graph.outputSingle(batch.getFeatures()).shape())
                .isEqualTo(batch.getLabels().shape());
        INDArray before = graph.params().dup();
        graph.fit(batch);
        assertThat(graph.score()).isFinite();
        assertThat(graph.params()).isNotEqualTo(before);
        assertThatThrownBy(() -> NamedModel.ofCifar(name, 1))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'" + name + "' takes " + model.shape());
    }

    @Test
    void parametersFollowFromTheSeed() {
        ComputationGraph one = ExampleModel.LENET.create(1);
        assertThat(ExampleModel.LENET.create(1).params()).isEqualTo(one.params());
        assertThat(ExampleModel.LENET.create(2).params()).isNotEqualTo(one.params());
    }

    @Test
    void resNetHasSkipsAndBatchNormalization() {
        ComputationGraph graph = ExampleModel.RESNET_CIFAR.create(1);
        assertThat(graph.getConfiguration().getVertexInputs().get("group1-block1-add"))
                .containsExactly("group1-block1-b-norm", "stem-relu");
        assertThat(graph.getConfiguration().getVertexInputs().get("group2-block1-add"))
                .containsExactly("group2-block1-b-norm", "group2-block1-skip-norm");
        assertThat(graph.getLayers())
                .filteredOn(BatchNormalization.class::isInstance)
                .hasSize(21);
    }

    @Test
    void listsTheNamesForAnUnknownOne() {
        assertThatThrownBy(() -> ExampleModel.named("alexnet2"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("'alexnet2'")
                .hasMessageContaining(
                        "alexnet-cifar, lenet, resnet-cifar, vgg16-cifar, resnet18, alexnet, resnet50, yolo-416, yolo-608, lstm");
    }
}
