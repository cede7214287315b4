package io.github.dl4jpipeline.internal.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.fixture.JavaProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class PrimitiveTest {
    @BeforeEach
    void oneDnnIsThere() {
        assumeTrue(OneDnn.isAvailable(), "there is no library of oneDNN for this platform");
    }

    private static Primitive dense() {
        return new Dense(2, 3, 4, true).forward(Activation.IDENTITY);
    }

    private static INDArray floats(int count) {
        return Nd4j.ones(DataType.FLOAT, count);
    }

    private static void run(Primitive primitive, INDArray output) {
        if (primitive.scratchFloats() > 0) {
            primitive.with(Slot.SCRATCH, floats((int) primitive.scratchFloats()));
        }
        primitive
                .with(Slot.INPUT, floats(6))
                .with(Slot.WEIGHTS, floats(12))
                .with(Slot.BIAS, floats(4))
                .with(Slot.OUTPUT, output)
                .run();
    }

    @Test
    void computesAgainAndAgain() {
        try (Primitive primitive = dense()) {
            for (int i = 0; i < 3; i++) {
                INDArray output = Nd4j.createUninitialized(DataType.FLOAT, 2, 4);
                run(primitive, output);
                assertThat(output).isEqualTo(Nd4j.valueArrayOf(new long[] {2, 4}, 4, DataType.FLOAT));
            }
        }
    }

    @Test
    void afterCloseNothingRunsAndASecondCloseDoesNothing() {
        Primitive primitive = dense();
        primitive.close();
        primitive.close();
        assertThatThrownBy(() -> primitive.with(Slot.INPUT, floats(6)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(primitive::run)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void anArrayThatIsTooSmallIsRefused() {
        try (Primitive primitive = dense()) {
            assertThatThrownBy(() -> primitive.with(Slot.INPUT, floats(5)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("INPUT has 5 elements");
        }
    }

    @Test
    void anArgumentThatItDoesNotTakeIsRefused() {
        try (Primitive primitive = dense()) {
            assertThatThrownBy(() -> primitive.with(Slot.WORKSPACE, floats(5)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("takes no WORKSPACE");
        }
    }

    @Test
    void aMissingArgumentIsNamedAlsoAfterARun() {
        try (Primitive primitive = dense()) {
            run(primitive, floats(8));
            primitive.with(Slot.INPUT, floats(6));
            assertThatThrownBy(primitive::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("is not set");
        }
    }

    @Test
    void layoutsAreEqualByWhatTheySay() {
        assertThat(Layout.rowMajor(2, 3))
                .isEqualTo(Layout.strided(new long[] {2, 3}, new long[] {3, 1}))
                .isNotEqualTo(Layout.strided(new long[] {2, 3}, new long[] {1, 2}))
                .isNotEqualTo(Layout.rowMajor(3, 2));
    }

    /** In a process whose heap has its whole size from the start, so that only native memory can grow. */
    @Test
    void manyLivesLeaveNoMemory(@TempDir Path directory) throws IOException, InterruptedException {
        JavaProcess.Outcome process = new JavaProcess(
                        PrimitiveLives.class, "-Xms256m", "-Xmx256m", "-XX:+AlwaysPreTouch")
                .run(directory, Duration.ofMinutes(10));
        assertThat(process.succeeded()).as(process.output()).isTrue();
    }
}
