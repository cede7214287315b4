package io.github.dl4jpipeline.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.fixture.TestGraphs;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;

class VertexGraphTest {

    @Test
    void readsVerticesInTopologicalOrder() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.twoInputsTwoOutputs(DataType.FLOAT));
        graph.getVertex("leftDense").setLayerAsFrozen();
        VertexGraph vertices = VertexGraph.of(graph);
        assertThat(vertices.size()).isEqualTo(11);
        for (Vertex vertex : vertices.vertices()) {
            assertThat(vertex.inputs()).allMatch(input -> input < vertex.position());
            assertThat(vertices.get(vertex.name())).isSameAs(vertex);
        }
        assertThat(vertices.get("left").role()).isEqualTo(Vertex.Role.INPUT);
        assertThat(vertices.get("leftDense").role()).isEqualTo(Vertex.Role.FROZEN);
        assertThat(vertices.get("both").role()).isEqualTo(Vertex.Role.HIDDEN);
        assertThat(vertices.get("values").role()).isEqualTo(Vertex.Role.OUTPUT);
        assertThat(vertices.get("shared").parameters()).isEqualTo(10 * 8 + 8);
        assertThat(vertices.get("both").parameters()).isZero();
        assertThat(vertices.get("shared").type()).isEqualTo("DenseLayer");
        assertThat(vertices.get("both").inputs())
                .containsExactly(
                        vertices.get("leftDense").position(),
                        vertices.get("rightDense").position());
        assertThat(vertices.consumers(vertices.get("both").position()))
                .containsExactlyInAnyOrder(
                        vertices.get("part").position(), vertices.get("shared").position());
        assertThatThrownBy(() -> vertices.get("nobody"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'nobody'")
                .hasMessageContaining("leftDense");
    }

    /** Before the first parameters nothing is trained. */
    @Test
    void whatTrainsNothingRunsForwardOnly() {
        ComputationGraph graph = TestGraphs.graph(new NeuralNetConfiguration.Builder()
                .graphBuilder()
                .addInputs("in")
                .addLayer("pad", new ZeroPaddingLayer(1, 1), "in")
                .addLayer("act", new ActivationLayer(Activation.RELU), "pad")
                .addLayer("conv", new ConvolutionLayer.Builder(3, 3).nOut(2).build(), "act")
                .addLayer("pool", new SubsamplingLayer.Builder().build(), "conv")
                .addLayer(
                        "out",
                        new OutputLayer.Builder()
                                .nOut(2)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "pool")
                .setOutputs("out")
                .setInputTypes(InputType.convolutional(6, 6, 1))
                .build());
        VertexGraph vertices = VertexGraph.of(graph);
        assertThat(vertices.get("pad").role()).isEqualTo(Vertex.Role.FORWARD);
        assertThat(vertices.get("act").runsBackward()).isFalse();
        assertThat(vertices.get("conv").role()).isEqualTo(Vertex.Role.HIDDEN);
        assertThat(vertices.hasInputErrors(vertices.get("conv").position())).isFalse();
        assertThat(vertices.get("pool").runsBackward()).isTrue();
        assertThat(vertices.hasInputErrors(vertices.get("pool").position())).isTrue();
    }
}
