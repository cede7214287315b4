package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.internal.onednn.Dense;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

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
