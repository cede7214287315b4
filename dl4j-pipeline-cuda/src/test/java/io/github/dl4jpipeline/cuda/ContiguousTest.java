package io.github.dl4jpipeline.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class ContiguousTest {
    private final INDArray array = Nd4j.arange(1, 25).castTo(DataType.DOUBLE).reshape(2, 3, 4);
    private final INDArray flat = array.reshape(24);

    @Test
    void wholeArraysOfEitherOrder() {
        for (INDArray whole : new INDArray[] {array, array.dup('f'), Nd4j.scalar(1.0)}) {
            assertThat(Contiguous.isContiguous(whole)).isTrue();
            assertThat(Contiguous.elements(whole)).isSameAs(whole.data());
        }
    }

    @Test
    void partsOfABuffer() {
        INDArray first = flat.get(NDArrayIndex.interval(0, 3));
        assertThat(Contiguous.isContiguous(first)).isTrue();
        assertThat(Contiguous.elements(first).asDouble()).containsExactly(1, 2, 3);
        INDArray later = flat.get(NDArrayIndex.interval(5, 7));
        assertThat(Contiguous.isContiguous(later)).isTrue();
        assertThat(Contiguous.elements(later).asDouble()).containsExactly(6, 7);
    }

    @Test
    void otherStrides() {
        assertThat(Contiguous.isContiguous(array.permute(1, 0, 2))).isFalse();
        assertThat(Contiguous.isContiguous(flat.get(NDArrayIndex.interval(0, 2, 24))))
                .isFalse();
    }
}
