package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.internal.engine.PackedWeights.Parameter;
import io.github.dl4jpipeline.internal.onednn.Layout;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class PackedWeightsTest {
    private static final Parameter PARAMETER = new Parameter("vertex", "W");
    private static final Layout LAYOUT = Layout.rowMajor(3, 4);

    private final INDArray weights = Nd4j.arange(1, 13).castTo(DataType.FLOAT).reshape(3, 4);
    private final INDArray bias = Nd4j.ones(DataType.FLOAT, 3);
    private final AtomicInteger packings = new AtomicInteger();

    private INDArray pack(PackedWeights packed) {
        return packed.get(PARAMETER, weights, LAYOUT, floats -> {
            packings.incrementAndGet();
            floats.assign(weights.reshape(weights.length()));
        });
    }

    private boolean isFinite(PackedWeights packed) {
        Value input = Value.of(Nd4j.ones(DataType.FLOAT, 1, 4));
        return packed.isFinite(PARAMETER, input, weights, bias);
    }

    @Test
    void trainingPacksOnceInAStep() {
        try (PackedWeights packed = new PackedWeights()) {
            for (int step = 1; step <= 3; step++) {
                packed.renew();
                pack(packed);
                pack(packed);
                assertThat(packings).hasValue(step);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 5, 11})
    void inferencePacksWhenAParameterChanges(int element) {
        try (PackedWeights packed = PackedWeights.keeping()) {
            packed.renew();
            pack(packed);
            long known = packed.bytes(Set.of("vertex"));
            packed.renew();
            pack(packed);
            assertThat(packings).hasValue(1);
            weights.putScalar(element, Math.nextUp(weights.getFloat(element)));
            packed.renew();
            assertThat(pack(packed)).isEqualTo(weights.reshape(12));
            assertThat(packings).hasValue(2);
            assertThat(known).as("packed and as they were").isEqualTo(2 * LAYOUT.bytes());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void valuesThatAreNotFiniteAreSeenAndForgotten(boolean keeping) {
        try (PackedWeights packed = keeping ? PackedWeights.keeping() : new PackedWeights()) {
            packed.renew();
            assertThat(isFinite(packed)).isTrue();
            float good = weights.getFloat(7);
            weights.putScalar(7, Float.NaN);
            for (int step = 0; step < 2; step++) {
                packed.renew();
                assertThat(isFinite(packed)).isFalse();
                pack(packed);
                assertThat(isFinite(packed)).as("later in the step").isFalse();
            }
            weights.putScalar(7, good);
            packed.renew();
            assertThat(isFinite(packed)).isTrue();
            bias.putScalar(2, Float.POSITIVE_INFINITY);
            packed.renew();
            assertThat(isFinite(packed)).as("bias").isFalse();
        }
    }
}
