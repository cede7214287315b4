package io.github.dl4jpipeline.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class ShapeCacheTest {
    @BeforeEach
    void install() {
        CpuRuntime.bindCurrentThread(Devices.cpu().get(0));
        assertThat(Nd4j.getShapeInfoProvider()).isInstanceOf(ShapeCache.class);
    }

    @Test
    void arraysOfOneShapeShareItsDescription() {
        INDArray one = Nd4j.create(DataType.FLOAT, 3, 7, 5);
        INDArray other = Nd4j.create(DataType.FLOAT, 3, 7, 5);
        assertThat(other.shapeInfoDataBuffer()).isSameAs(one.shapeInfoDataBuffer());
        assertThat(other.data()).isNotSameAs(one.data());
    }

    @Test
    void itIsInstalledOnce() {
        Object installed = Nd4j.getShapeInfoProvider();
        CpuRuntime.bindCurrentThread(Devices.cpu().get(0));
        assertThat(Nd4j.getShapeInfoProvider()).isSameAs(installed);
    }

    @Test
    void whateverDiffersIsDescribedApart() {
        INDArray array = Nd4j.create(DataType.FLOAT, 4, 6);
        assertThat(array.shapeInfoDataBuffer())
                .isNotSameAs(Nd4j.create(DataType.DOUBLE, 4, 6).shapeInfoDataBuffer())
                .isNotSameAs(Nd4j.create(DataType.FLOAT, 6, 4).shapeInfoDataBuffer())
                .isNotSameAs(Nd4j.create(DataType.FLOAT, new long[] {4, 6}, 'f').shapeInfoDataBuffer())
                .isNotSameAs(array.get(NDArrayIndex.all(), NDArrayIndex.interval(0, 2, 6))
                        .shapeInfoDataBuffer());
        assertThat(array.transpose().shape()).containsExactly(6, 4);
        assertThat(Nd4j.create(DataType.FLOAT, 0, 6).isEmpty()).isTrue();
        assertThat(Nd4j.create(DataType.FLOAT, 4, 6).isEmpty()).isFalse();
    }

    @Test
    void aShapeStaysWhenTheCallersArrayChanges() {
        long[] shape = {2, 9};
        INDArray before = Nd4j.create(DataType.FLOAT, shape, 'c');
        shape[1] = 11;
        INDArray changed = Nd4j.create(DataType.FLOAT, shape, 'c');
        assertThat(before.shape()).containsExactly(2, 9);
        assertThat(changed.shape()).containsExactly(2, 11);
        assertThat(Nd4j.create(DataType.FLOAT, 2, 9).shape()).containsExactly(2, 9);
    }

    @Test
    void aClosedArrayLeavesTheDescriptionToOthers() {
        INDArray closed = Nd4j.create(DataType.FLOAT, 5, 13);
        closed.close();
        INDArray array = Nd4j.create(DataType.FLOAT, 5, 13).assign(2);
        assertThat(array.sumNumber().doubleValue()).isEqualTo(130);
    }

    @Test
    void forgottenShapesAreMadeAgain() {
        INDArray before = Nd4j.create(DataType.FLOAT, 8, 3);
        Nd4j.getShapeInfoProvider().purgeCache();
        INDArray after = Nd4j.create(DataType.FLOAT, 8, 3).assign(before);
        assertThat(after.shapeInfoDataBuffer()).isNotSameAs(before.shapeInfoDataBuffer());
        assertThat(after.equalShapes(before)).isTrue();
    }
}
