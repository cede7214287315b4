package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.LayerCase;
import io.github.dl4jpipeline.internal.layers.LayerCase.Kind;
import io.github.dl4jpipeline.internal.layers.LayerCaseGraph;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** A vertex "layer" for small graphs, in which it stands between "before" and "after". */
final class EngineCase {
    private final String name;
    private final InputType input;
    private final Middle middle;
    private final boolean workspaces;

    /** Adds the vertex "layer". */
    interface Middle {
        void add(GraphBuilder builder, String before, EngineCase owner, Neighbours neighbours);
    }

    /** What stands beside the vertex. */
    enum Neighbours {
        /** Layers that the engine runs. */
        OF_ENGINE(Activation.IDENTITY),
        /** Layers that it does not run. */
        OTHERS(Activation.SOFTSIGN),
        /** The input before, whose error nobody wants. */
        NONE(Activation.IDENTITY);

        private final Activation activation;

        Neighbours(Activation activation) {
            this.activation = activation;
        }
    }

    EngineCase(String name, InputType input, Middle middle, boolean workspaces) {
        this.name = name;
        this.input = input;
        this.middle = middle;
        this.workspaces = workspaces;
    }

    static EngineCase of(String name, InputType input, Layer layer) {
        return new EngineCase(
                name,
                input,
                (builder, before, owner, neighbours) -> builder.addLayer("layer", layer.clone(), before),
                true);
    }

    /** Every other one without workspaces, whose arrays hold what {@code MALLOC_PERTURB_} says. */
    static EngineCase of(LayerCase layer) {
        LayerCaseGraph graphs = new LayerCaseGraph(layer, DataType.FLOAT);
        Middle middle = layer.kind() == Kind.ADDITION
                ? (builder, before, owner, neighbours) -> builder.addLayer(
                                "beside", owner.neighbour(owner.input, layer.inputs(), neighbours), before)
                        .addVertex("layer", new ElementWiseVertex(ElementWiseVertex.Op.Add), before, "beside")
                : (builder, before, owner, neighbours) -> builder.addLayer("layer", graphs.configuration(), before);
        return new EngineCase(layer.toString(), graphs.inputType(), middle, layer.views());
    }

    /** @throws RuntimeException if Deeplearning4j refuses it, or it has no output */
    ComputationGraph graph(DataType type, Neighbours neighbours) {
        GraphBuilder builder = withLayer(type, neighbours);
        InputType output = builder.setOutputs("layer")
                .build()
                .getLayerActivationTypes(input)
                .get("layer");
        if (Arrays.stream(output.getShape(false)).anyMatch(size -> size < 1)) {
            throw new IllegalArgumentException("no output");
        }
        Layer after = neighbour(output, 2, neighbours);
        boolean last = after instanceof SimpleRnn; // Deeplearning4j's loss of sequences fails with channels last
        ComputationGraphConfiguration configuration = withLayer(type, neighbours)
                .addLayer("after", last ? new LastTimeStep(after) : after, "layer")
                .addLayer("loss", loss(last ? InputType.feedForward(2) : output), "after")
                .setOutputs("loss")
                .build();
        if (!workspaces) {
            configuration.setTrainingWorkspaceMode(WorkspaceMode.NONE);
            configuration.setInferenceWorkspaceMode(WorkspaceMode.NONE);
        }
        ComputationGraph graph = new ComputationGraph(configuration);
        graph.init();
        INDArray parameters = graph.params();
        parameters.addi(values(type, 5, parameters.shape()).muli(0.1));
        return graph;
    }

    private GraphBuilder withLayer(DataType type, Neighbours neighbours) {
        GraphBuilder builder = new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(type)
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(input)
                .validateOutputLayerConfig(false);
        String before = "in";
        if (neighbours != Neighbours.NONE) {
            builder.addLayer("before", neighbour(input, channels(input), neighbours), "in");
            before = "before";
        }
        middle.add(builder, before, this, neighbours);
        return builder;
    }

    InputType input() {
        return input;
    }

    static int channels(InputType type) {
        return switch (type.getType()) {
            case CNN -> (int) ((InputType.InputTypeConvolutional) type).getChannels();
            case RNN -> (int) ((InputType.InputTypeRecurrent) type).getSize();
            default -> (int) type.arrayElementsPerExample();
        };
    }

    /** A layer that leaves the places of maps as they are. */
    Layer neighbour(InputType of, int outputs, Neighbours neighbours) {
        return switch (of.getType()) {
            case CNN ->
                new ConvolutionLayer.Builder(1, 1)
                        .nOut(outputs)
                        .dataFormat(((InputType.InputTypeConvolutional) of).getFormat())
                        .activation(neighbours.activation)
                        .build();
            case RNN -> ofSequences(((InputType.InputTypeRecurrent) of).getFormat(), outputs, neighbours);
            default ->
                new DenseLayer.Builder()
                        .nOut(outputs)
                        .activation(neighbours.activation)
                        .build();
        };
    }

    /** With channels last Deeplearning4j's convolution fails. */
    private static Layer ofSequences(RNNFormat format, int outputs, Neighbours neighbours) {
        return format == RNNFormat.NCW
                ? new Convolution1DLayer.Builder(1)
                        .nOut(outputs)
                        .activation(neighbours.activation)
                        .build()
                : new SimpleRnn.Builder()
                        .nOut(outputs)
                        .dataFormat(format)
                        .activation(neighbours.activation)
                        .build();
    }

    private static Layer loss(InputType of) {
        return switch (of.getType()) {
            case CNN ->
                new CnnLossLayer.Builder(LossFunction.MSE)
                        .activation(Activation.IDENTITY)
                        .format(((InputType.InputTypeConvolutional) of).getFormat())
                        .build();
            case RNN ->
                new RnnLossLayer.Builder(LossFunction.MSE)
                        .activation(Activation.IDENTITY)
                        .build();
            default ->
                new LossLayer.Builder(LossFunction.MSE)
                        .activation(Activation.IDENTITY)
                        .build();
        };
    }

    /** Examples for a graph of this case. */
    MicroBatch batch(ComputationGraph graph, int examples, long seed) {
        DataType type = graph.getConfiguration().getDataType();
        InputType output =
                graph.getConfiguration().getLayerActivationTypes(input).get("after");
        return MicroBatch.whole(
                new INDArray[] {values(type, seed, shape(input, examples))},
                new INDArray[] {values(type, seed + 1, shape(output, examples))},
                null,
                null);
    }

    private static long[] shape(InputType type, int examples) {
        long[] shape = type.getShape(true);
        shape[0] = examples;
        return shape;
    }

    /** Normally distributed, to a degree. */
    static INDArray values(DataType type, long seed, long... shape) {
        SplittableRandom random = new SplittableRandom(seed);
        INDArray values = Nd4j.createUninitialized(type, shape, 'c');
        double[] numbers = new double[(int) values.length()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] =
                    1.7 * (random.nextDouble() + random.nextDouble() + random.nextDouble() + random.nextDouble() - 2);
        }
        return values.assign(Nd4j.createFromArray(numbers).reshape(shape));
    }

    @Override
    public String toString() {
        return name;
    }
}
