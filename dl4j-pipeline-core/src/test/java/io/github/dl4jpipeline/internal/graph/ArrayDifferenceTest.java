package io.github.dl4jpipeline.internal.graph;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class ArrayDifferenceTest {
    private static final DataType[] TYPES = {DataType.FLOAT, DataType.DOUBLE};

    private static INDArray array(DataType type) {
        return Nd4j.linspace(1, 12, 12, type).reshape(3, 4);
    }

    @ParameterizedTest
    @CsvSource({
        "0, NaN", "5, NaN", "11, NaN", //
        "0, Infinity", "5, Infinity", "11, Infinity",
        "0, -Infinity", "5, -Infinity", "11, -Infinity",
        "0, 13", "5, 13", "11, 13"
    })
    void aWrongElementAtAnyPlaceIsADifference(int place, double wrong) {
        for (DataType type : TYPES) {
            INDArray right = array(type);
            INDArray changed = right.dup();
            changed.putScalar(place, wrong);
            assertThat(ArrayDifference.of(changed, right).relative()).isGreaterThanOrEqualTo(1.0 / 12);
            assertThat(ArrayDifference.of(changed, right).isWithin(1e-3, 1e-3)).isFalse();
            assertThat(ArrayDifference.of(right, changed).isWithin(1e-3, 1e-3)).isFalse();
            assertThat(ArrayDifference.of(changed, changed.dup()).relative()).isZero();
        }
    }

    @Test
    void infinitiesOfDifferentSignsDiffer() {
        INDArray plus = array(DataType.FLOAT).putScalar(7, Double.POSITIVE_INFINITY);
        INDArray minus = array(DataType.FLOAT).putScalar(7, Double.NEGATIVE_INFINITY);
        assertThat(ArrayDifference.of(plus, minus).mismatch()).isEqualTo("Infinity instead of -Infinity at element 7");
    }

    @Test
    void elementsBesideNotANumberAreCompared() {
        INDArray right = array(DataType.DOUBLE).putScalar(0, Double.NaN);
        INDArray wrong = right.dup().putScalar(11, 18);
        ArrayDifference difference = ArrayDifference.of(wrong, right);
        assertThat(difference.mismatch()).isEmpty();
        assertThat(difference.relative()).isEqualTo(6.0 / 12);
    }

    @Test
    void shapeAndTypeHaveToBeTheSame() {
        INDArray array = array(DataType.FLOAT);
        assertThat(ArrayDifference.of(array.reshape(4, 3), array).mismatch())
                .isEqualTo("shape [4, 3] instead of [3, 4]");
        assertThat(ArrayDifference.of(array.castTo(DataType.DOUBLE), array).mismatch())
                .isEqualTo("type DOUBLE instead of FLOAT");
        assertThat(ArrayDifference.of(array.reshape(4, 3), array).relative()).isInfinite();
    }

    @Test
    void viewsInAnyOrderAreComparedElementByElement() {
        INDArray whole = Nd4j.linspace(1, 24, 24, DataType.FLOAT).reshape(4, 6);
        INDArray view = whole.transpose();
        assertThat(ArrayDifference.of(view, view.dup('c')).relative()).isZero();
        assertThat(ArrayDifference.of(view.dup('f').putScalar(new long[] {5, 3}, 0), view)
                        .relative())
                .isEqualTo(1);
    }

    @Test
    void whereZeroIsExpectedAnyOtherValueIsInfinitelyFar() {
        INDArray zeros = Nd4j.zeros(DataType.FLOAT, 3);
        assertThat(ArrayDifference.of(zeros.dup().putScalar(2, 1e-30), zeros).relative())
                .isInfinite();
        assertThat(ArrayDifference.of(zeros, zeros.dup()).relative()).isZero();
    }

    @Test
    void boundsAddUp() {
        INDArray right = array(DataType.DOUBLE);
        INDArray off = right.dup().putScalar(3, 4.5);
        assertThat(ArrayDifference.of(off, right).isWithin(0.04, 0.03)).isTrue();
        assertThat(ArrayDifference.of(off, right).isWithin(0.04, 0.01)).isFalse();
    }
}
