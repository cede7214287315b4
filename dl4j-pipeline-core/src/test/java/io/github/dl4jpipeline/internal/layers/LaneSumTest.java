package io.github.dl4jpipeline.internal.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LaneSumTest {
    private static final double ROUNDING = 3e-7;

    private final LaneSum sum = new LaneSum();

    @Test
    void sumsOfAnyPartOfTheElements() {
        Random random = new Random(1);
        float[] elements = new float[5000];
        float[] others = new float[5000];
        for (int i = 0; i < elements.length; i++) {
            elements[i] = random.nextFloat();
            others[i] = random.nextFloat();
        }
        for (int length : new int[] {0, 1, 2, 3, 255, 256, 257, 511, 512, 1000, 4096}) {
            for (int from : new int[] {0, 1, 17, 600}) {
                double ofElements = 0;
                double ofProducts = 0;
                for (int i = from; i < from + length; i++) {
                    ofElements += elements[i];
                    ofProducts += (double) elements[i] * others[i];
                }
                assertThat(sum.of(elements, from, from + length))
                        .as("%d from %d", length, from)
                        .isCloseTo(ofElements, within(ROUNDING * ofElements));
                assertThat(sum.ofProducts(elements, others, from, from + length))
                        .as("products, %d from %d", length, from)
                        .isCloseTo(ofProducts, within(ROUNDING * ofProducts));
            }
        }
    }

    /** Their roundings all go the same way. */
    @Test
    void sumsOfEqualElements() {
        float[] elements = new float[4096];
        Arrays.fill(elements, 0.1f);
        assertThat(sum.of(elements, 0, elements.length)).isCloseTo(4096 * (double) 0.1f, within(4096 * 0.1 * ROUNDING));
        assertThat(sum.ofProducts(elements, elements, 0, elements.length))
                .isCloseTo(4096 * (double) 0.1f * 0.1f, within(4096 * 0.01 * ROUNDING));
    }
}
