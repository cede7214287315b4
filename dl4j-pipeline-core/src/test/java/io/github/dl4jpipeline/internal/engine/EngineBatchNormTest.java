package io.github.dl4jpipeline.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Sums that are hard in float: of many elements that are positive, and equal in part, as those behind a ReLU. */
class EngineBatchNormTest {
    /** Sums that lose nothing still end in a few operations that round. */
    private static final double FEW_ROUNDINGS = 4e-7;

    @BeforeEach
    void oneDnnIsThere() {
        assumeTrue(OneDnn.isAvailable(), "there is no library of oneDNN for this platform");
    }

    @ParameterizedTest
    @CsvSource({"1, 77, 6", "8, 77, 6", "8, 3, 16", "16, 34, 20", "16, 5, 1"})
    void sumsOfChannelsLoseLittle(int block, int side, int channels) {
        long[] shape = {4, channels, side, side};
        INDArray values = positive(1, shape);
        INDArray others = positive(2, shape).muli(1e-3);
        double[] from =
                DoubleStream.iterate(0.25, last -> last + 0.125).limit(channels).toArray();
        Layout layout = Layout.ofBlocks(block, shape);
        ChannelLoops loops = ChannelLoops.of(layout);
        INDArray in = blocked(values, layout, block);
        INDArray inOthers = blocked(others, layout, block);

        INDArray exact = values.castTo(DataType.DOUBLE);
        INDArray exactOthers = others.castTo(DataType.DOUBLE);
        INDArray distances = exact.sub(Nd4j.createFromArray(from).reshape(1, channels, 1, 1));
        ChannelLoops.Sums sums = loops.products(in, from, inOthers);
        assertNear(loops.sum(in), exact);
        assertNear(loops.squares(in, from), distances.mul(distances));
        assertNear(sums.products(), distances.mul(exactOthers));
        assertNear(sums.others(), exactOthers);
        assertThat(loops.valuesOfChannel()).isEqualTo(4.0 * side * side);
    }

    private static void assertNear(double[] actual, INDArray summands) {
        INDArray expected = summands.sum(0, 2, 3);
        INDArray largest = Transforms.abs(summands).sum(0, 2, 3);
        for (int channel = 0; channel < actual.length; channel++) {
            assertThat(Math.abs(actual[channel] - expected.getDouble(channel)))
                    .isLessThanOrEqualTo(FEW_ROUNDINGS * largest.getDouble(channel));
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 7, 6", "8, 7, 6", "8, 40, 16", "16, 9, 20"})
    void arithmeticWithValuesOfChannelsLeavesThePaddingZero(int block, int side, int channels) {
        long[] shape = {3, channels, side, side};
        INDArray values = positive(1, shape);
        Layout layout = Layout.ofBlocks(block, shape);
        double[] a =
                DoubleStream.iterate(0.5, last -> last + 0.25).limit(channels).toArray();
        INDArray ofChannel = Nd4j.createFromArray(a).castTo(DataType.FLOAT).reshape(1, channels, 1, 1);
        INDArray result =
                Nd4j.createUninitialized(DataType.FLOAT, layout.floats()).assign(Double.NaN);
        ChannelLoops loops = ChannelLoops.of(layout);
        loops.scale(blocked(values, layout, block), a, a, a, result);
        INDArray expected = values.sub(ofChannel).mul(ofChannel).add(ofChannel);
        assertThat(ArrayDifference.of(result, blocked(expected, layout, block)).isWithin(1e-6, 0))
                .isTrue();

        INDArray errors = blocked(positive(2, shape), layout, block);
        loops.combine(blocked(values, layout, block), a, a, errors, a, a);
        INDArray combined = values.sub(ofChannel)
                .mul(ofChannel)
                .add(positive(2, shape))
                .sub(ofChannel)
                .mul(ofChannel);
        assertThat(ArrayDifference.of(errors, blocked(combined, layout, block)).isWithin(1e-6, 0))
                .isTrue();
    }

    private static INDArray positive(long seed, long... shape) {
        return Transforms.relu(EngineCase.values(DataType.FLOAT, seed, shape).muli(4), false);
    }

    /** Padded with zeros, channels in blocks. */
    private static INDArray blocked(INDArray maps, Layout layout, int block) {
        long blocks = (maps.size(1) + block - 1) / block;
        INDArray padded = Nd4j.create(DataType.FLOAT, maps.size(0), blocks * block, maps.size(2), maps.size(3));
        for (long channel = 0; channel < maps.size(1); channel++) {
            for (long example = 0; example < maps.size(0); example++) {
                padded.slice(example).slice(channel).assign(maps.slice(example).slice(channel));
            }
        }
        INDArray floats = padded.reshape('c', maps.size(0), blocks, block, maps.size(2) * maps.size(3))
                .permute(0, 1, 3, 2)
                .dup('c');
        assertThat(floats.length()).isEqualTo(layout.floats());
        return floats.reshape(floats.length());
    }
}
