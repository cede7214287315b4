package io.github.dl4jpipeline.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SameGradientTest {
    private static Map<String, INDArray> notNeeded() {
        throw new AssertionError("asked for the gradient in double");
    }

    private static INDArray array(DataType type, double... values) {
        return Nd4j.createFromArray(values).castTo(type);
    }

    private static Map<String, INDArray> gradient(DataType type, double first, double second) {
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        arrays.put("large_W", array(type, 100, -1, first));
        arrays.put("small_b", array(type, 0, second));
        return arrays;
    }

    private static SameGradient compare(Map<String, INDArray> actual, Map<String, INDArray> expected) {
        return SameGradient.of(actual, expected, Map::of);
    }

    @Test
    void sharesOfTheArrayAndOfTheNetwork() {
        Map<String, INDArray> expected = gradient(DataType.FLOAT, 1, 0.5);
        // 2e-5 * 100 + 1e-7 * 100, and 2e-5 * 0.5 + 1e-7 * 100
        assertThat(SameGradient.of(gradient(DataType.FLOAT, 1.0019, 0.500019), expected, SameGradientTest::notNeeded)
                        .isSame())
                .isTrue();
        assertThat(compare(gradient(DataType.FLOAT, 1.0021, 0.5), expected).different())
                .extracting(SameGradient.Compared::name)
                .containsExactly("large_W");
        SameGradient second = compare(gradient(DataType.FLOAT, 1, 0.500021), expected);
        assertThat(second.different()).extracting(SameGradient.Compared::name).containsExactly("small_b");
        assertThat(second.worst()).hasToString("'small_b' differs by 2.1e-05, bound 2.0e-05");
    }

    @Test
    void doublesAreHeldToTheirOwnBound() {
        Map<String, INDArray> expected = gradient(DataType.DOUBLE, 1, 0.5);
        assertThat(SameGradient.of(
                                gradient(DataType.DOUBLE, 1 + 0.9e-8, 0.5 + 1.4e-10),
                                expected,
                                SameGradientTest::notNeeded)
                        .isSame())
                .isTrue();
        assertThat(SameGradient.of(gradient(DataType.DOUBLE, 1 + 1.1e-8, 0.5), expected, SameGradientTest::notNeeded)
                        .isSame())
                .isFalse();
        assertThat(SameGradient.of(gradient(DataType.DOUBLE, 1, 0.5 + 1.6e-10), expected, SameGradientTest::notNeeded)
                        .isSame())
                .isFalse();
    }

    @Test
    void noFartherFromDoubleThanTwicePlainFloat() {
        Map<String, INDArray> expected = gradient(DataType.FLOAT, 1, 0.5);
        Map<String, INDArray> exact = gradient(DataType.DOUBLE, 1, 0.501);
        SameGradient near = SameGradient.of(gradient(DataType.FLOAT, 1, 0.50305), expected, () -> exact);
        assertThat(near.isSame()).isTrue(); // 2 * 0.001 + 1e-6 * 100
        assertThat(near.worst().withDouble()).isTrue();
        assertThat(SameGradient.of(gradient(DataType.FLOAT, 1, 0.50315), expected, () -> exact)
                        .isSame())
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void notFiniteIsOnlyLikeItself(double value) {
        Map<String, INDArray> finite = gradient(DataType.FLOAT, 1, 0.5);
        Map<String, INDArray> other = gradient(DataType.FLOAT, 1, value);
        assertThat(compare(other, other).isSame()).isTrue();
        assertThat(compare(other, finite).isSame()).isFalse();
        assertThat(SameGradient.of(finite, other, SameGradientTest::notNeeded)
                        .worst()
                        .toString())
                .isEqualTo("'small_b' has 0.5 instead of " + value + " at element 1");
    }

    @Test
    void arraysMissingOrTooMany() {
        Map<String, INDArray> both = gradient(DataType.FLOAT, 1, 0.5);
        Map<String, INDArray> one = new LinkedHashMap<>(both);
        one.remove("small_b");
        assertThat(SameGradient.of(one, both, SameGradientTest::notNeeded).different())
                .hasToString("['small_b' is missing]");
        assertThat(SameGradient.of(both, one, SameGradientTest::notNeeded).different())
                .hasToString("['small_b' is not in the expected gradient]");
    }

    @Test
    void statisticsDoNotCountAsTheLargestGradient() {
        Map<String, INDArray> expected = gradient(DataType.FLOAT, 1, 0.5);
        Map<String, INDArray> actual = gradient(DataType.FLOAT, 1, 0.500021);
        expected.put("norm_mean", array(DataType.FLOAT, 1e6));
        actual.put("norm_mean", array(DataType.FLOAT, 1e6));
        assertThat(compare(actual, expected).isSame()).isFalse();
    }
}
