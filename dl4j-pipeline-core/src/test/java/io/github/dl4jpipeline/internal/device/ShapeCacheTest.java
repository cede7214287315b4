package io.github.dl4jpipeline.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ndarray.ShapeInfoProvider;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class ShapeCacheTest {
    @BeforeEach
    void install() {
        ShapeCache.install();
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
        ShapeCache.install();
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

    private static Stream<Arguments> layouts() {
        return Stream.of(
                arguments(new long[] {}, new long[] {}, 1, 'c', DataType.FLOAT, false),
                arguments(new long[] {4}, new long[] {1}, 1, 'c', DataType.BOOL, false),
                arguments(new long[] {4, 3}, new long[] {3, 1}, 1, 'c', DataType.UINT8, false),
                arguments(new long[] {4, 3}, new long[] {1, 4}, 1, 'f', DataType.DOUBLE, false),
                arguments(new long[] {4, 3}, new long[] {6, 1}, 0, 'c', DataType.FLOAT, false),
                arguments(new long[] {4, 3}, new long[] {6, 2}, 2, 'c', DataType.FLOAT, false),
                arguments(new long[] {4, 0}, new long[] {0, 1}, 1, 'c', DataType.FLOAT, true));
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void describesAsNd4jDoes(
            long[] shape, long[] stride, long elementWiseStride, char order, DataType type, boolean empty) {
        DataBuffer own = Shape.createShapeInformation(shape, stride, elementWiseStride, order, type, empty);
        for (int time = 0; time < 2; time++) {
            Pair<DataBuffer, long[]> cached = Nd4j.getShapeInfoProvider()
                    .createShapeInformation(shape, stride, elementWiseStride, order, type, empty);
            assertThat(cached.getFirst().asLong()).isEqualTo(own.asLong());
            assertThat(cached.getSecond()).isEqualTo(own.asLong());
        }
    }

    @Test
    void manyShapesAreForgotten() {
        ShapeInfoProvider cache = new ShapeCache(Nd4j.getShapeInfoProvider());
        Supplier<DataBuffer> first = () ->
                cache.createShapeInformation(new long[] {1, 7}, DataType.FLOAT).getFirst();
        DataBuffer before = first.get();
        for (int rows = 2; rows < 100; rows++) {
            cache.createShapeInformation(new long[] {rows, 7}, DataType.FLOAT);
        }
        assertThat(first.get()).isSameAs(before);
        Nd4j.getShapeInfoProvider().purgeCache();
        for (int rows = 100; rows <= ShapeCache.MOST_SHAPES + 1; rows++) {
            cache.createShapeInformation(new long[] {rows, 7}, DataType.FLOAT);
        }
        assertThat(first.get()).isNotSameAs(before);
        assertThat(first.get().asLong()).isEqualTo(before.asLong());
    }
}
