package io.github.dl4jpipeline.result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.objdetect.Yolo2OutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.*;

/**
 * Masks that have one value for one example, where a batch is split into as many micro-batches as it has examples: plain
 * fit's result, and where plain fit refuses, a refusal.
 */
class MaskOfOneExampleTest {
    private static final DataType TYPE = DataType.DOUBLE;
    private static final int CLASSES = 3;

    /** A network and a batch for it: some examples, labels and masks of both. */
    private interface Task {
        GraphBuilder graph();

        MultiDataSet batch(int examples);
    }

    @SuppressWarnings("ArrayRecordComponent") // shapes
    private record Output(GraphBuilder graph, long[] features, long[] labels, long[] featureMask, long[] labelMask)
            implements Task {
        @Override
        public MultiDataSet batch(int examples) {
            return new MultiDataSet(
                    new INDArray[] {TestData.values(TYPE, 1, with(examples, features))},
                    new INDArray[] {labels(examples, labels)},
                    featureMask == null ? null : new INDArray[] {weights(examples, featureMask)},
                    labelMask == null ? null : new INDArray[] {weights(examples, labelMask)});
        }

        private static long[] with(int examples, long... shape) {
            long[] all = new long[shape.length + 1];
            all[0] = examples;
            System.arraycopy(shape, 0, all, 1, shape.length);
            return all;
        }

        /** One-hot in dimension 1, the same class at all places of an example. */
        private static INDArray labels(int examples, long... shape) {
            INDArray labels = Nd4j.zeros(TYPE, with(examples, shape));
            for (int i = 0; i < examples; i++) {
                labels.slice(i).slice(i % shape[0]).assign(1);
            }
            return labels;
        }

        private static INDArray weights(int examples, long... shape) {
            return TestData.values(TYPE, 5, with(examples, shape)).addi(1.5);
        }
    }

    private static Stream<Named<Task>> losses() {
        List<ILossFunction> losses = List.of(
                new LossBinaryXENT(),
                new LossCosineProximity(),
                new LossHinge(),
                new LossKLD(),
                new LossL1(),
                new LossL2(),
                new LossMAE(),
                new LossMAPE(),
                new LossMCXENT(),
                new LossMSE(),
                new LossMSLE(),
                new LossMultiLabel(),
                new LossNegativeLogLikelihood(),
                new LossPoisson(),
                new LossSquaredHinge(),
                new LossWasserstein());
        List<Named<Task>> tasks = new ArrayList<>();
        for (ILossFunction loss : losses) {
            for (Activation activation : List.of(Activation.SIGMOID, Activation.SOFTMAX)) {
                for (long[] mask : new long[][] {{1}, {CLASSES}}) {
                    GraphBuilder graph = dense().addLayer(
                                    "output",
                                    new OutputLayer.Builder(loss)
                                            .nIn(4)
                                            .nOut(CLASSES)
                                            .activation(activation)
                                            .build(),
                                    "dense");
                    String masked = mask[0] == 1 ? "examples" : "outputs";
                    tasks.add(Named.of(
                            loss + ", " + activation + ", " + masked,
                            new Output(graph, new long[] {4}, new long[] {CLASSES}, null, mask)));
                }
            }
        }
        GraphBuilder mixture = dense().addLayer(
                        "output",
                        new OutputLayer.Builder(LossMixtureDensity.builder()
                                        .gaussians(1)
                                        .labelWidth(CLASSES)
                                        .build())
                                .nIn(4)
                                .nOut(CLASSES + 2)
                                .activation(Activation.IDENTITY)
                                .build(),
                        "dense");
        tasks.add(Named.of(
                "mixture density", new Output(mixture, new long[] {4}, new long[] {CLASSES}, null, new long[] {1})));
        GraphBuilder single = dense().addLayer(
                        "output",
                        new OutputLayer.Builder(new LossMSE())
                                .nIn(4)
                                .nOut(1)
                                .activation(Activation.IDENTITY)
                                .build(),
                        "dense");
        tasks.add(Named.of("one output", new Output(single, new long[] {4}, new long[] {1}, null, new long[] {1})));
        return tasks.stream();
    }

    private static GraphBuilder dense() {
        return start().addLayer("dense", TestGraphs.dense(4, 4), "in");
    }

    private static GraphBuilder start() {
        return TestGraphs.settings(TYPE).graphBuilder().addInputs("in");
    }

    private static Stream<Named<Task>> outputs() {
        List<Named<Task>> tasks = new ArrayList<>();
        for (ILossFunction loss : List.of(new LossMSE(), new LossMCXENT())) {
            Activation activation = loss instanceof LossMSE ? Activation.SIGMOID : Activation.SOFTMAX;
            add(
                    tasks,
                    "loss layer, " + loss,
                    dense().addLayer("dense2", TestGraphs.dense(4, CLASSES), "dense"),
                    new LossLayer.Builder(loss).activation(activation).build(),
                    "dense2",
                    new long[] {4},
                    new long[] {CLASSES},
                    null,
                    new long[] {1});
            for (int steps : new int[] {1, 3}) {
                for (boolean ofFeatures : new boolean[] {false, true}) {
                    for (boolean ofLabels : new boolean[] {false, true}) {
                        if (ofFeatures || ofLabels) {
                            addSequences(tasks, loss, activation, steps, ofFeatures, ofLabels);
                        }
                    }
                }
            }
            for (int side : new int[] {1, 2}) {
                add(
                        tasks,
                        "loss over pixels, " + side + ", " + loss,
                        start().setInputTypes(InputType.convolutional(side, side, 2))
                                .addLayer(
                                        "conv",
                                        new ConvolutionLayer.Builder(1, 1)
                                                .nOut(CLASSES)
                                                .build(),
                                        "in"),
                        new CnnLossLayer.Builder(loss).activation(activation).build(),
                        "conv",
                        new long[] {2, side, side},
                        new long[] {CLASSES, side, side},
                        null,
                        new long[] {1, side, side});
                add(
                        tasks,
                        "loss over voxels, " + side + ", " + loss,
                        start().setInputTypes(
                                        InputType.convolutional3D(Convolution3D.DataFormat.NCDHW, side, side, side, 2))
                                .addLayer(
                                        "conv",
                                        new Convolution3D.Builder(1, 1, 1)
                                                .nOut(CLASSES)
                                                .build(),
                                        "in"),
                        new Cnn3DLossLayer.Builder(Convolution3D.DataFormat.NCDHW)
                                .lossFunction(loss)
                                .activation(activation)
                                .build(),
                        "conv",
                        new long[] {2, side, side, side},
                        new long[] {CLASSES, side, side, side},
                        null,
                        new long[] {1, side, side, side});
            }
        }
        add(
                tasks,
                "YOLO with one box in one place",
                start().setInputTypes(InputType.convolutional(1, 1, 2))
                        .addLayer(
                                "conv",
                                new ConvolutionLayer.Builder(1, 1).nOut(5 + 2).build(),
                                "in"),
                new Yolo2OutputLayer.Builder()
                        .boundingBoxPriors(Nd4j.create(new double[][] {{0.5, 0.6}}))
                        .build(),
                "conv",
                new long[] {2, 1, 1},
                new long[] {4 + 2, 1, 1},
                null,
                null);
        return tasks.stream();
    }

    private static void addSequences(
            List<Named<Task>> tasks,
            ILossFunction loss,
            Activation activation,
            int steps,
            boolean ofFeatures,
            boolean ofLabels) {
        String name = loss + ", " + steps + " steps, masks of" + (ofFeatures ? " features" : "")
                + (ofLabels ? " labels" : "");
        long[] mask = {steps};
        long[] featureMask = ofFeatures ? mask : null;
        long[] labelMask = ofLabels ? mask : null;
        GraphBuilder lstm = start().setInputTypes(InputType.recurrent(4, steps))
                .addLayer("lstm", new LSTM.Builder().nOut(CLASSES).build(), "in");
        long[] features = {4, steps};
        long[] labels = {CLASSES, steps};
        Layer output = new RnnOutputLayer.Builder(loss)
                .nOut(CLASSES)
                .activation(activation)
                .build();
        add(tasks, "RNN output, " + name, lstm, output, "lstm", features, labels, featureMask, labelMask);
        lstm = start().setInputTypes(InputType.recurrent(4, steps))
                .addLayer("lstm", new LSTM.Builder().nOut(CLASSES).build(), "in")
                .addLayer("dense", TestGraphs.dense(CLASSES), "lstm");
        output = new RnnLossLayer.Builder(loss).activation(activation).build();
        add(tasks, "RNN loss, " + name, lstm, output, "dense", features, labels, featureMask, labelMask);
        if (!ofLabels) {
            lstm = start().setInputTypes(InputType.recurrent(4, steps))
                    .addLayer(
                            "last",
                            new LastTimeStep(new LSTM.Builder().nOut(CLASSES).build()),
                            "in");
            output = new OutputLayer.Builder(loss)
                    .nOut(CLASSES)
                    .activation(activation)
                    .build();
            add(tasks, "last step, " + name, lstm, output, "last", features, new long[] {CLASSES}, featureMask, null);
        }
    }

    private static void add(
            List<Named<Task>> tasks,
            String name,
            GraphBuilder graph,
            Layer output,
            String from,
            long[] features,
            long[] labels,
            long[] featureMask,
            long[] labelMask) {
        graph.addLayer("output", output, from);
        tasks.add(Named.of(name, new Output(graph, features, labels, featureMask, labelMask)));
    }

    @ParameterizedTest
    @MethodSource({"losses", "outputs"})
    void sameAsPlainFit(Task task) {
        ComputationGraph start = TestGraphs.graph(task.graph()
                .setOutputs("output")
                .validateOutputLayerConfig(false)
                .build());
        ComputationGraph expected = SameResult.copy(start);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, 2, 4))
                .devices(Devices.cpu(2))
                .build()) {
            for (int examples : new int[] {4, 3, 1}) {
                assertSame(net, expected, () -> task.batch(examples));
            }
        }
    }

    /** @param batch makes the batch anew, since a loss may write into its labels */
    private static void assertSame(
            PipelineComputationGraph net, ComputationGraph expected, Supplier<MultiDataSet> batch) {
        assertSame(net, expected, graph -> Nd4j.scalar(graph.score(batch.get())));
        assertSame(net, expected, graph -> graph.scoreExamples(batch.get(), true));
        assertSame(net, expected, graph -> {
            graph.fit(batch.get());
            INDArray parameters = graph.params();
            return Nd4j.concat(0, parameters.reshape(parameters.length()), Nd4j.createFromArray(graph.score()));
        });
        MultiDataSet data = batch.get();
        assertSame(
                net, expected, graph -> graph.output(false, data.getFeatures(), data.getFeaturesMaskArrays(), null)[0]);
    }

    private static void assertSame(
            PipelineComputationGraph net, ComputationGraph expected, Function<ComputationGraph, INDArray> use) {
        net.clear();
        expected.clear(); // else Deeplearning4j reshapes a batch by the number of the last one's labels
        INDArray right;
        try {
            right = use.apply(expected);
        } catch (RuntimeException e) {
            assertThatThrownBy(() -> use.apply(net)).isInstanceOf(RuntimeException.class);
            return;
        }
        assertThat(SameResult.difference(use.apply(net), right)).isLessThan(1e-10);
    }

    /** A mask of shape [1, 1] is one of single outputs in plain fit. */
    @Test
    void aWholeBatchOfOneExampleIsAsInPlainFit() {
        ComputationGraph start = TestGraphs.graph(dense().addLayer(
                        "output",
                        new OutputLayer.Builder(new LossMCXENT())
                                .nIn(4)
                                .nOut(CLASSES)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "dense")
                .setOutputs("output")
                .build());
        MultiDataSet batch = new MultiDataSet(
                new INDArray[] {TestData.values(TYPE, 1, 1, 4)},
                new INDArray[] {TestData.classes(TYPE, 1, 1, CLASSES)},
                null,
                new INDArray[] {Nd4j.ones(TYPE, 1, 1)});
        assertThatThrownBy(() -> SameResult.copy(start).fit(batch)).hasMessageContaining("not supported");
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(start)
                .plan(SameResult.evenPlan(start, 2, 4))
                .build()) {
            assertThatThrownBy(() -> net.fit(batch)).hasMessageContaining("not supported");
        }
    }
}
