package io.github.dl4jpipeline.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

class UntouchedTest {
    private static final long LENGTH = 200_000_000;

    @ParameterizedTest
    @EnumSource(
            value = DataType.class,
            names = {"FLOAT", "DOUBLE"})
    void aVectorDoesNotCountAsAnArray(DataType type) {
        long before = Pointer.totalBytes();
        try (Untouched untouched = new Untouched()) {
            INDArray vector = untouched.vector(type, LENGTH);
            INDArray part = vector.get(NDArrayIndex.interval(LENGTH - 5, LENGTH));
            assertThat(vector.length()).isEqualTo(LENGTH);
            assertThat(vector.dataType()).isEqualTo(type);
            assertThat(part.assign(3).sumNumber().doubleValue()).isEqualTo(15);
            assertThat(Pointer.totalBytes() - before).isLessThan(LENGTH);
        }
    }
}
