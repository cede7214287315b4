package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Convolution;
import io.github.dl4jpipeline.internal.onednn.Dense;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Slot;
import io.github.dl4jpipeline.internal.onednn.Window;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class GradientRowsTest {
    private static final long INPUTS = 12;
    private static final long OUTPUTS = 6;

    /** As many as take no more memory than the gradient. */
    private static final long MOST = 4;

    private final GradientRows rows = new GradientRows();

    @BeforeEach
    void oneDnnIsThere() {
        assumeTrue(OneDnn.isAvailable(), "there is no library of oneDNN for this platform");
    }

    @AfterEach
    void close() {
        rows.close();
    }

    private static Dense product(long count) {
        return new Dense(count, INPUTS, OUTPUTS, false);
    }

    private boolean take(long count, long later) {
        INDArray input = Nd4j.ones(DataType.FLOAT, count * INPUTS);
        INDArray error = Nd4j.ones(DataType.FLOAT, count * OUTPUTS);
        return rows.take(product(count), input, error, new GradientTurn(false, count, later));
    }

    @Test
    void rowsAreGatheredUntilThereIsNoRoom() {
        rows.begin();
        assertThat(take(2, 6)).isTrue();
        assertThat(rows.hasRoomFor(product(2))).isTrue();
        assertThat(take(2, 4)).isTrue();
        assertThat(rows.hasRoomFor(product(1))).isFalse();
        assertThat(rows.bytes()).isEqualTo(MOST * (INPUTS + OUTPUTS) * Float.BYTES);
        assertThat(rows.takeGradient()).isNotNull();
        assertThat(rows.isEmpty()).isTrue();
        assertThat(take(2, 2)).isTrue();
        rows.begin();
        assertThat(rows.isEmpty()).isTrue();
    }

    @Test
    void roomIsForTheMicroBatchesThatCome() {
        rows.begin();
        assertThat(take(1, 1)).isTrue();
        assertThat(rows.hasRoomFor(product(1))).isTrue();
        assertThat(rows.hasRoomFor(product(2))).isFalse();
        assertThat(rows.bytes()).isEqualTo(2 * (INPUTS + OUTPUTS) * Float.BYTES);
    }

    @Test
    void oneThatIsAloneOrTooLargeIsNotTaken() {
        rows.begin();
        assertThat(take(1, 0)).isFalse();
        assertThat(take(3, 9)).isFalse();
        assertThat(rows.isEmpty()).isTrue();
        assertThat(rows.bytes()).isZero();
    }

    private static Convolution convolution(long examples, int block) {
        long[] one = {1, 1};
        long[] maps = {examples, 64, 8, 8};
        Convolution.Shape shape = new Convolution.Shape(
                maps,
                maps,
                new long[] {64, 64, 3, 3},
                new Window(new long[] {3, 3}, one, one, one, one),
                true,
                true,
                false);
        Convolution made = Convolution.reading(Layout.ofBlocks(block, maps), shape, Activation.IDENTITY);
        assumeTrue(made != null, "oneDNN has no fast code for it");
        return made;
    }

    private static INDArray gradient(Primitive primitive, Layout layout, INDArray ofBias) {
        INDArray floats = Nd4j.create(DataType.FLOAT, layout.floats() + Primitive.ALIGNMENT / Float.BYTES);
        long first = Math.floorMod(-floats.data().addressPointer().address(), Primitive.ALIGNMENT) / Float.BYTES;
        INDArray aligned = Nd4j.create(floats.data(), new long[] {layout.floats()}, new long[] {1}, first, 'c');
        primitive.with(Slot.BIAS_GRADIENT, ofBias).with(Slot.WEIGHT_GRADIENT, aligned);
        if (primitive.scratchFloats() > 0) {
            primitive.with(Slot.SCRATCH, Nd4j.create(DataType.FLOAT, primitive.scratchFloats()));
        }
        primitive.run();
        return aligned.dup();
    }

    @Test
    void mapsSideBySideHaveTheGradientOfAll() {
        Convolution five = convolution(5, 8);
        Convolution all = five.ofExamples(10);
        INDArray input = Nd4j.rand(DataType.FLOAT, 10 * five.inputs());
        INDArray error = Nd4j.rand(DataType.FLOAT, 10 * five.outputs());
        rows.begin();
        for (int half = 0; half < 2; half++) {
            long inputs = 5 * five.inputs();
            long outputs = 5 * five.outputs();
            assertThat(half == 0 || rows.hasRoomFor(five)).isTrue();
            assertThat(rows.take(
                            five,
                            input.get(NDArrayIndex.interval(half * inputs, (half + 1) * inputs)),
                            error.get(NDArrayIndex.interval(half * outputs, (half + 1) * outputs)),
                            new GradientTurn(half == 0, 5, 5)))
                    .isTrue();
        }
        GradientRows.Shared shared = rows.takeGradient();
        INDArray ofBias = Nd4j.create(DataType.FLOAT, 64);
        INDArray together = gradient(shared.gradient(), shared.weights(), ofBias);
        INDArray expectedBias = Nd4j.create(DataType.FLOAT, 64);
        try (Primitive primitive = all.gradient()) {
            primitive.with(Slot.INPUT, input).with(Slot.OUTPUT_ERROR, error);
            INDArray expected = gradient(primitive, all.gradientWeights(), expectedBias);
            assertThat(together).isEqualTo(expected);
            assertThat(ofBias).isEqualTo(expectedBias);
        }
    }

    @Test
    void mapsInOtherBlocksDoNotLieSideBySide() {
        assertThat(convolution(4, 8).joins(convolution(2, 8))).isTrue();
        Convolution narrow = convolution(4, 8);
        Convolution wide = convolution(4, 16);
        boolean alike = narrow.input().equals(wide.input()) && narrow.output().equals(wide.output());
        assertThat(narrow.joins(wide)).isEqualTo(alike); // a processor may have code for one of them only
        assertThat(convolution(4, 8).joins(product(4))).isFalse();
        assertThat(convolution(4, 8).mostExamples()).isEqualTo(4 * 64 * 64 * 9 / (2 * 64 * 8 * 8));
    }

    @Test
    void closingFreesAndTheNextStepTakesMemoryAnew() {
        rows.begin();
        assertThat(take(1, 2)).isTrue();
        rows.close();
        assertThat(rows.bytes()).isZero();
        assertThat(rows.isEmpty()).isTrue();
        rows.begin();
        assertThat(take(1, 2)).isTrue();
    }
}
