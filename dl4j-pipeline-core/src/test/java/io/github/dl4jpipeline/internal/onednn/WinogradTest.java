package io.github.dl4jpipeline.internal.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The three passes beside sums in double. */
class WinogradTest {
    private static final double TOLERANCE = 1e-5;
    private static final Activation RELU = new Activation(Activation.Function.RELU, 0);

    @BeforeEach
    void oneDnnIsThere() {
        assumeTrue(OneDnn.isAvailable(), "there is no library of oneDNN for this platform");
    }

    /**
     * A convolution.
     *
     * @param above rows of zeros before the input's
     * @param left columns of zeros before the input's
     * @param below rows after it
     * @param right columns after it
     * @param block of channels in the layouts
     */
    record Maps(
            int examples,
            int inputs,
            int outputs,
            int height,
            int width,
            int above,
            int left,
            int below,
            int right,
            int block) {
        long[] input() {
            return new long[] {examples, inputs, height, width};
        }

        long[] output() {
            return new long[] {examples, outputs, height + above + below - 2, width + left + right - 2};
        }

        long[] before() {
            return new long[] {above, left};
        }

        Layout plainWeights() {
            return Layout.rowMajor(outputs, inputs, 3, 3);
        }
    }

    private static Stream<Maps> maps() {
        return Stream.of(
                new Maps(1, 1, 1, 3, 3, 0, 0, 0, 0, 1),
                new Maps(2, 3, 5, 4, 4, 1, 1, 1, 1, 8),
                new Maps(3, 8, 16, 7, 9, 1, 1, 1, 1, 8),
                new Maps(2, 17, 9, 5, 6, 0, 2, 1, 0, 16),
                new Maps(1, 4, 6, 2, 13, 2, 2, 2, 2, 1),
                new Maps(7, 5, 3, 12, 12, 1, 0, 0, 1, 8), // an example's 9 tiles: one group
                new Maps(6, 4, 4, 18, 18, 1, 1, 1, 1, 8), // groups of 2
                new Maps(3, 2, 4, 33, 40, 1, 1, 1, 1, 1)); // groups of 1, each beyond the most
    }

    private static INDArray random(long seed, long... shape) {
        Nd4j.getRandom().setSeed(seed);
        return Nd4j.randn(DataType.FLOAT, shape);
    }

    private static INDArray floats(long count) {
        return Nd4j.valueArrayOf(new long[] {count}, Float.NaN, DataType.FLOAT); // whoever reads before writing is seen
    }

    private static INDArray reordered(INDArray from, Layout layout, Layout to) {
        INDArray result = floats(to.floats());
        try (Primitive reorder = Reorder.of(layout, to)) {
            if (reorder.scratchFloats() > 0) {
                reorder.with(Slot.SCRATCH, floats(reorder.scratchFloats()));
            }
            reorder.with(Slot.INPUT, from).with(Slot.OUTPUT, result).run();
        }
        return result;
    }

    private static INDArray inBlocks(INDArray array, int block) {
        return reordered(array, Layout.rowMajor(array.shape()), Layout.ofBlocks(block, array.shape()));
    }

    private static INDArray inRows(INDArray blocks, int block, long[] shape) {
        return reordered(blocks, Layout.ofBlocks(block, shape), Layout.rowMajor(shape))
                .reshape('c', shape);
    }

    private static void assertSame(INDArray actual, double[][][][] expected) {
        assertThat(ArrayDifference.of(actual, Nd4j.create(expected).castTo(DataType.FLOAT))
                        .relative())
                .isLessThan(TOLERANCE);
    }

    /** What happens at each place where an input meets a weight. */
    private interface Meeting {
        void at(int example, int output, int y, int x, int input, int row, int column, int i, int j);
    }

    private static void each(Maps maps, Meeting meeting) {
        for (int n = 0; n < maps.examples(); n++) {
            for (int o = 0; o < maps.outputs(); o++) {
                for (int y = 0; y < maps.output()[2]; y++) {
                    for (int x = 0; x < maps.output()[3]; x++) {
                        for (int place = 0; place < 9 * maps.inputs(); place++) {
                            int i = place / 3 % 3;
                            int j = place % 3;
                            int row = y + i - maps.above();
                            int column = x + j - maps.left();
                            if (row >= 0 && row < maps.height() && column >= 0 && column < maps.width()) {
                                meeting.at(n, o, y, x, place / 9, row, column, i, j);
                            }
                        }
                    }
                }
            }
        }
    }

    private static double[][][][] values(INDArray array) {
        long[] shape = array.shape();
        double[][][][] values = zeros(shape);
        for (int a = 0; a < shape[0]; a++) {
            for (int b = 0; b < shape[1]; b++) {
                for (int c = 0; c < shape[2]; c++) {
                    for (int d = 0; d < shape[3]; d++) {
                        values[a][b][c][d] = array.getDouble(a, b, c, d);
                    }
                }
            }
        }
        return values;
    }

    private static double[][][][] zeros(long... shape) {
        return new double[(int) shape[0]][(int) shape[1]][(int) shape[2]][(int) shape[3]];
    }

    @ParameterizedTest
    @MethodSource("maps")
    void outputs(Maps maps) {
        INDArray input = random(1, maps.input());
        INDArray weights = random(2, maps.outputs(), maps.inputs(), 3, 3);
        INDArray bias = random(3, maps.outputs());
        double[][][][] in = values(input);
        double[][][][] w = values(weights);
        double[][][][] expected = zeros(maps.output());
        each(maps, (n, o, y, x, c, row, column, i, j) -> expected[n][o][y][x] += in[n][c][row][column] * w[o][c][i][j]);
        for (double[][][] example : expected) {
            for (int o = 0; o < maps.outputs(); o++) {
                for (double[] row : example[o]) {
                    for (int x = 0; x < row.length; x++) {
                        row[x] = Math.max(0, row[x] + bias.getDouble(o));
                    }
                }
            }
        }

        Layout from = Layout.ofBlocks(maps.block(), maps.input());
        Layout to = Layout.ofBlocks(maps.block(), maps.output());
        try (Winograd pass = new Winograd(from, to, maps.before(), maps.plainWeights(), false, true, RELU)) {
            INDArray packed = floats(pass.weights().floats());
            pass.pack(weights, packed, floats(pass.packFloats()));
            INDArray output = floats(to.floats());
            for (int twice = 0; twice < 2; twice++) {
                pass.run(inBlocks(input, maps.block()), packed, bias, output, floats(pass.workFloats()));
                assertSame(inRows(output, maps.block(), maps.output()), expected);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("maps")
    void errorsOfInputs(Maps maps) {
        INDArray error = random(1, maps.output());
        INDArray weights = random(2, maps.outputs(), maps.inputs(), 3, 3);
        double[][][][] e = values(error);
        double[][][][] w = values(weights);
        double[][][][] expected = zeros(maps.input());
        each(maps, (n, o, y, x, c, row, column, i, j) -> expected[n][c][row][column] += e[n][o][y][x] * w[o][c][i][j]);

        Layout from = Layout.ofBlocks(maps.block(), maps.output());
        Layout to = Layout.ofBlocks(maps.block(), maps.input());
        Layout turned = Layout.strided(
                new long[] {maps.inputs(), maps.outputs(), 3, 3}, new long[] {9, 9L * maps.inputs(), 3, 1});
        long[] before = {2 - maps.above(), 2 - maps.left()};
        try (Winograd pass = new Winograd(from, to, before, turned, true, false, Activation.IDENTITY)) {
            INDArray packed = floats(pass.weights().floats());
            pass.pack(weights, packed, floats(pass.packFloats()));
            INDArray result = floats(to.floats());
            pass.run(inBlocks(error, maps.block()), packed, null, result, floats(pass.workFloats()));
            assertSame(inRows(result, maps.block(), maps.input()), expected);
        }
    }

    @ParameterizedTest
    @MethodSource("maps")
    void gradients(Maps maps) {
        INDArray input = random(1, maps.input());
        INDArray error = random(2, maps.output());
        double[][][][] in = values(input);
        double[][][][] e = values(error);
        double[][][][] expected = zeros(maps.outputs(), maps.inputs(), 3, 3);
        each(maps, (n, o, y, x, c, row, column, i, j) -> expected[o][c][i][j] += e[n][o][y][x] * in[n][c][row][column]);

        Layout from = Layout.ofBlocks(maps.block(), maps.input());
        Layout to = Layout.ofBlocks(maps.block(), maps.output());
        try (WinogradGradient pass = new WinogradGradient(from, to, maps.before(), true);
                WinogradSum written = new WinogradSum(maps.plainWeights())) {
            INDArray gradient = Nd4j.create(DataType.FLOAT, maps.outputs(), maps.inputs(), 3, 3);
            INDArray ofBias = floats(maps.outputs());
            INDArray blocks = inBlocks(input, maps.block());
            INDArray errors = inBlocks(error, maps.block());
            INDArray work = floats(Math.max(pass.workFloats(), written.workFloats()));
            INDArray sum = floats(written.floats());
            pass.sum(blocks, errors, sum, false, work);
            written.write(sum, gradient, false, ofBias, work);
            assertSame(gradient, expected);
            INDArray sums = error.castTo(DataType.DOUBLE).sum(0, 2, 3).castTo(DataType.FLOAT);
            assertThat(ArrayDifference.of(ofBias, sums).relative()).isLessThan(TOLERANCE);
            pass.sum(blocks, errors, sum, true, work);
            written.write(sum, gradient, true, ofBias, work);
            assertSame(gradient.div(3), expected);
            assertThat(ArrayDifference.of(ofBias.div(2), sums).relative()).isLessThan(TOLERANCE);
        }
    }

    private static boolean suits(long inputs, long outputs, int side, int examples, boolean exact) {
        long[] maps = {examples, inputs, side, side};
        long[] one = {1, 1};
        Convolution.Shape shape = new Convolution.Shape(
                maps,
                new long[] {examples, outputs, side, side},
                new long[] {outputs, inputs, 3, 3},
                new Window(new long[] {3, 3}, one, one, one, one),
                true,
                true,
                exact);
        Convolution other = Convolution.reading(Layout.ofBlocks(8, maps), shape, RELU);
        assumeFalse(other == null || other.isWinograd(), "oneDNN has the algorithm itself on this processor");
        return Winograd.fits(shape, other);
    }

    @ParameterizedTest
    @CsvSource({
        "128, 128, 8, 16, false, true, pays",
        "128, 128, 8, 16, true, false, must be exact",
        "16, 16, 8, 16, false, false, few channels",
        "128, 128, 8, 1, false, false, few tiles",
        "128, 128, 2, 64, false, false, tiles that are mostly empty"
    })
    void runsWhereItPays(
            long inputs, long outputs, int side, int examples, boolean exact, boolean runs, String because) {
        assertThat(suits(inputs, outputs, side, examples, exact)).as(because).isEqualTo(runs);
    }

    /** oneDNN's code ends the process where it must write the gradient to another place. */
    @ParameterizedTest
    @ValueSource(ints = {4, 16, 32})
    void aGradientOfOneDnnsOwnIsRefusedAtAnUnalignedPlace(int bytes) {
        long[] one = {1, 1};
        long[] maps = {16, 192, 8, 8};
        Convolution.Shape shape = new Convolution.Shape(
                maps,
                maps,
                new long[] {192, 192, 3, 3},
                new Window(new long[] {3, 3}, one, one, one, one),
                true,
                true,
                false);
        Convolution convolution = Convolution.reading(Layout.ofBlocks(16, maps), shape, RELU);
        assumeTrue(convolution != null && convolution.isWinograd(), "oneDNN lacks the algorithm on this processor");
        INDArray floats =
                Nd4j.create(DataType.FLOAT, convolution.gradientWeights().floats() + 32);
        long begin = floats.data().addressPointer().address();
        long first = Math.floorMod(bytes - begin, Primitive.ALIGNMENT) / Float.BYTES;
        try (Primitive gradient = convolution.gradient()) {
            assertThatThrownBy(() -> gradient.with(Slot.WEIGHT_GRADIENT, floats, first))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("WEIGHT_GRADIENT does not begin at a multiple of 64 bytes");
        }
    }
}
