package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.engine.EngineCase.Neighbours;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import io.github.dl4jpipeline.internal.stage.CopyPasses;
import io.github.dl4jpipeline.internal.stage.CopyPasses.Results;
import io.github.dl4jpipeline.internal.stage.CopyPasses.Way;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LearnedSelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Self-attention of the engine beside Deeplearning4j's. */
class EngineAttentionTest {
    private static final KernelChoice FAST = KernelChoice.all(Kernels.FAST);
    private static final KernelChoice STOCK = KernelChoice.all(Kernels.STOCK);
    private static final double FOUND = 0.5;

    @BeforeEach
    void oneDnnIsThere() {
        assumeTrue(OneDnn.isAvailable(), "there is no library of oneDNN for this platform");
    }

    /** Self-attention of sequences. */
    private record Size(int inputs, int steps, SelfAttentionLayer layer) {
        EngineCase inGraph() {
            return EngineCase.of("", InputType.recurrent(inputs, steps), layer);
        }

        MicroBatch masked(MicroBatch batch, Masks masks) {
            return new MicroBatch(
                    batch.features(),
                    batch.labels(),
                    new INDArray[] {masks.of(batch.examples(), steps)},
                    null,
                    0,
                    batch.examples(),
                    null);
        }
    }

    /** Which steps a mask leaves out. */
    private enum Masks {
        NONE,
        ENDS,
        WITHIN,
        /** All steps of the first example, and halves of others. */
        ALL_OF_ONE;

        INDArray of(long examples, int steps) {
            INDArray mask = Nd4j.ones(DataType.FLOAT, examples, steps);
            for (int example = 0; example < examples; example++) {
                for (int step = 0; step < steps; step++) {
                    mask.putScalar(example, step, value(example, step));
                }
            }
            return mask;
        }

        private double value(int example, int step) {
            return switch (this) {
                case NONE -> 1;
                case ENDS -> step > example ? 0 : 1;
                case WITHIN -> (step + example) % 3 == 1 ? 0 : 1;
                case ALL_OF_ONE -> example == 0 ? 0 : step % 2 == 0 ? 0.5 : 1;
            };
        }
    }

    private static SelfAttentionLayer projecting(int outputs, int heads, int headSize) {
        return new SelfAttentionLayer.Builder()
                .nOut(outputs)
                .nHeads(heads)
                .headSize(headSize)
                .projectInput(true)
                .build();
    }

    private static SelfAttentionLayer plain() {
        return new SelfAttentionLayer.Builder().nHeads(1).projectInput(false).build();
    }

    private static Stream<Named<Size>> sizes() {
        return Stream.of(
                Named.of("one head", new Size(5, 6, projecting(4, 1, 4))),
                Named.of("heads smaller than the output", new Size(5, 6, projecting(7, 3, 2))),
                Named.of("heads larger than the output", new Size(3, 4, projecting(2, 2, 5))),
                Named.of("head size of the output", new Size(8, 5, projecting(8, 4, 0))),
                Named.of("many values", new Size(64, 32, projecting(64, 4, 16))),
                Named.of("many steps", new Size(6, 130, projecting(6, 2, 3))),
                Named.of("one value", new Size(1, 3, projecting(1, 1, 1))),
                Named.of("one step", new Size(4, 1, projecting(4, 2, 2))),
                Named.of("no projections", new Size(5, 6, plain())),
                Named.of("no projections, more", new Size(33, 18, plain())));
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void standsBesideAnyLayer(Size size) {
        for (int examples : new int[] {1, 5}) {
            EngineComparison.Outcome outcome = EngineComparison.of(size.inGraph(), examples);
            assertThat(outcome.problems()).isEmpty();
            assertThat(outcome.refused()).isEmpty();
            assertThat(outcome.taken()).isEqualTo(9);
        }
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void withMasks(Size size) {
        ComputationGraph graph = size.inGraph().graph(DataType.FLOAT, Neighbours.OTHERS);
        try (CopyPasses stock = new CopyPasses(graph, STOCK, false);
                CopyPasses engine = new CopyPasses(graph, FAST, true)) {
            for (Masks masks : Masks.values()) {
                for (Way way : Way.values()) {
                    MicroBatch batch = size.masked(size.inGraph().batch(graph, 4, 11), masks);
                    Results expected = stock.train(batch.copy(), Way.USUAL, FOUND);
                    Results actual = engine.train(batch.copy(), way, FOUND);
                    assertThat(actual.blocked()).contains("layer");
                    String name = masks + " " + way;
                    assertSame(name + " activation of ", actual.activations(), expected.activations(), 0);
                    assertSame(name + " error of ", actual.errors(), expected.errors(), 0);
                    assertSame(
                            name + " gradient of ",
                            ofLayer(actual.gradients()),
                            ofLayer(expected.gradients()),
                            way == Way.ADDING && engine.adds("layer") ? FOUND : 0);
                    assertSame(
                            name + " inference, ",
                            engine.infer(batch.copy()).activations(),
                            stock.infer(batch.copy()).activations(),
                            0);
                }
            }
        }
    }

    private static Map<String, INDArray> ofLayer(Map<String, INDArray> gradients) {
        Map<String, INDArray> some = new TreeMap<>(gradients);
        some.keySet().removeIf(name -> !name.startsWith("layer_"));
        return some;
    }

    private static void assertSame(
            String name, Map<String, INDArray> actual, Map<String, INDArray> expected, double added) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        double largest = expected.values().stream()
                .mapToDouble(array -> ArrayDifference.of(array, array).largestExpected())
                .max()
                .orElse(0);
        expected.forEach((key, array) -> {
            ArrayDifference difference = ArrayDifference.of(actual.get(key), array.add(added));
            assertThat(difference.isWithin(2e-5, 1e-6 * largest))
                    .as(name + key + ": " + difference)
                    .isTrue();
        });
    }

    /** A diverging network must be seen as one: what is no number leads to Deeplearning4j's own layer. */
    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, 1e25})
    void whatIsNoNumberIsLeft(double value) {
        Size size = new Size(5, 6, projecting(4, 2, 2));
        ComputationGraph graph = size.inGraph().graph(DataType.FLOAT, Neighbours.NONE);
        MicroBatch batch = size.inGraph().batch(graph, 3, 7);
        MicroBatch wrong = batch.copy();
        wrong.features()[0].putScalar(3, value);
        try (CopyPasses engine = new CopyPasses(graph, FAST, true)) {
            assertThat(engine.train(wrong, Way.USUAL, 0).blocked()).doesNotContain("layer");
            assertThat(engine.train(batch, Way.USUAL, 0).blocked()).contains("layer");
        }
    }

    @Test
    void doublesAndOtherAttentionAreLeft() {
        Size size = new Size(5, 6, projecting(4, 2, 2));
        assertThat(EngineLayers.vertices(size.inGraph().graph(DataType.FLOAT, Neighbours.NONE), FAST))
                .contains("layer");
        assertThat(EngineLayers.vertices(size.inGraph().graph(DataType.DOUBLE, Neighbours.NONE), FAST))
                .isEqualTo(Set.of());
        LearnedSelfAttentionLayer learned = new LearnedSelfAttentionLayer.Builder()
                .nOut(4)
                .nHeads(2)
                .nQueries(3)
                .projectInput(true)
                .build();
        assertThat(EngineLayers.vertices(
                        EngineCase.of("", InputType.recurrent(5, 6), learned).graph(DataType.FLOAT, Neighbours.NONE),
                        FAST))
                .doesNotContain("layer");
    }
}
