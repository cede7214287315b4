package io.github.dl4jpipeline.internal.layers;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.internal.layers.BackwardConvolution.Gradients;
import java.util.List;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/** Convolutions in parts against all at once. */
class DirectConvolutionTest {
    private static final int EXAMPLES = 7;
    private static final int MANY = 20;

    private final LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.noWorkspaces();
    private final DirectConvolution whole = new DirectConvolution();

    /** Large maps, some examples at a time: here 3, 3 and 1. */
    @ParameterizedTest
    @CsvSource({
        "DOUBLE, NCHW, true, true",
        "DOUBLE, NCHW, true, false",
        "DOUBLE, NCHW, false, true",
        "DOUBLE, NHWC, true, true",
        "FLOAT, NCHW, true, true",
        "FLOAT, NCHW, false, false",
        "FLOAT, NHWC, true, true"
    })
    void inParts(DataType type, CNN2DFormat format, boolean hasBias, boolean ofInput) {
        ConvolutionGeometry geometry = geometry(format, 2, ConvolutionMode.Truncate);
        INDArray input = maps(type, format, EXAMPLES, 3, 9);
        INDArray output = maps(type, format, EXAMPLES, 5, 4);
        INDArray error = maps(type, format, EXAMPLES, 5, 4);
        INDArray weights = Nd4j.rand(type, 5, 3, 3, 3);
        INDArray bias = hasBias ? Nd4j.rand(type, 1, 5) : null;
        long bytesOfExample = (input.length() + output.length()) / EXAMPLES * type.width();
        DirectConvolution parts = new DirectConvolution(3 * bytesOfExample, Long.MAX_VALUE);

        INDArray expectedOutput = output.like();
        whole.forward(input, weights, bias, expectedOutput, geometry, workspaces);
        parts.forward(input, weights, bias, output, geometry, workspaces);
        assertEqual(output, expectedOutput);

        assertEqualGradients(parts, input, weights, bias, error, ofInput, geometry);
    }

    /** Gradients by many weights: here for 128 of 256 output channels and 10 of 20 examples at a time. */
    @ParameterizedTest
    @CsvSource({
        "FLOAT, NCHW, true, true",
        "FLOAT, NCHW, false, true",
        "FLOAT, NCHW, true, false",
        "FLOAT, NHWC, true, true",
        "DOUBLE, NCHW, true, true"
    })
    void outputChannelsInParts(DataType type, CNN2DFormat format, boolean hasBias, boolean ofInput) {
        ConvolutionGeometry geometry = geometry(format, 1, ConvolutionMode.Same);
        INDArray input = maps(type, format, MANY, 16, 6);
        INDArray error = maps(type, format, MANY, 256, 6);
        INDArray weights = Nd4j.rand(type, 256, 16, 3, 3).subi(0.5);
        INDArray bias = hasBias ? Nd4j.rand(type, 1, 256) : null;
        int threads = NativeOpsHolder.getInstance().getDeviceNativeOps().ompGetMaxThreads();
        long scratch = 4L * 36 * ((threads + 1) * 16 * 128 + 10 * 4 * (16 + 128));
        BackwardParts cut = BackwardParts.of(weights, error, geometry, MANY, scratch, threads);
        boolean isCut = type == DataType.FLOAT && format == CNN2DFormat.NCHW;
        assertThat(sizes(cut.examples())).isEqualTo(isCut ? "10 10" : "20");
        assertThat(sizes(cut.outputs())).isEqualTo(isCut ? "128 128" : "256");
        DirectConvolution parts = new DirectConvolution(Long.MAX_VALUE, scratch);

        assertEqualGradients(parts, input, weights, bias, error, ofInput, geometry);
    }

    /** Of one thread: twice 36 numbers for each pair of channels, and 36 for each channel and tile of 4x4 outputs. */
    @ParameterizedTest
    @CsvSource({
        "FLOAT, NCHW, 384, 256, 8, 56, 64, 256", // 27 + 23 MB
        "FLOAT, NCHW, 384, 256, 8, 40, 64, 128 128",
        "FLOAT, NCHW, 512, 512, 2, 56, 64, 256 256", // 72 + 9 MB
        "FLOAT, NCHW, 384, 384, 13, 56, 16 16 16 16, 192 192", // 40 + 108 MB
        "FLOAT, NCHW, 32, 48, 5, 2, 32 32, 48", // 0.4 + 2.8 MB
        "FLOAT, NCHW, 32, 48, 5, 1, 64, 48", // more than fits for some examples
        "FLOAT, NCHW, 1024, 272, 2, 56, 64, 272", // which would not be cut into blocks of 16
        "FLOAT, NCHW, 2048, 2048, 2, 56, 64, 2048", // more than fits for some channels
        "FLOAT, NCHW, 20, 512, 2, 1, 64, 512",
        "FLOAT, NHWC, 512, 512, 2, 56, 64, 512",
        "DOUBLE, NCHW, 512, 512, 2, 56, 64, 512"
    })
    void scratchMemoryHasALimit(
            DataType type,
            CNN2DFormat format,
            int inputs,
            int outputs,
            int size,
            int megabytes,
            String examples,
            String channels) {
        ConvolutionGeometry geometry = geometry(format, 1, ConvolutionMode.Same);
        INDArray weights = Nd4j.createUninitialized(type, outputs, inputs, 3, 3);
        INDArray error = Nd4j.createUninitialized(type, 64, outputs, size, size);

        BackwardParts parts = BackwardParts.of(weights, error, geometry, 64, (long) megabytes << 20, 1);

        assertThat(sizes(parts.examples())).isEqualTo(examples);
        assertThat(sizes(parts.outputs())).isEqualTo(channels);
    }

    private static String sizes(List<Rows.Range> parts) {
        return parts.stream().map(part -> String.valueOf(part.size())).collect(Collectors.joining(" "));
    }

    @ParameterizedTest
    @CsvSource({"7, 3, 3 3 1", "6, 4, 3 3", "32, 8, 8 8 8 8", "5, 5, 5", "3, 1, 1 1 1", "2, 9, 2"})
    void partsAreFewAndNoneIsLargerThanTheFirst(long examples, long most, String sizes) {
        List<Rows.Range> parts = Rows.parts(examples, most);
        assertThat(sizes(parts)).isEqualTo(sizes);
        assertThat(parts.get(parts.size() - 1).to()).isEqualTo(examples);
    }

    private static ConvolutionGeometry geometry(CNN2DFormat format, int stride, ConvolutionMode mode) {
        ConvolutionLayer layer = new ConvolutionLayer.Builder(3, 3)
                .stride(stride, stride)
                .dataFormat(format)
                .build();
        return new ConvolutionGeometry(layer, mode);
    }

    private static INDArray maps(DataType type, CNN2DFormat format, int examples, int channels, int size) {
        return format == CNN2DFormat.NCHW
                ? Nd4j.rand(type, examples, channels, size, size)
                : Nd4j.rand(type, examples, size, size, channels);
    }

    /** With something in them, to add to or to overwrite. */
    private static Gradients gradients(INDArray input, INDArray weights, @Nullable INDArray bias, boolean ofInput) {
        return new Gradients(
                ofInput ? input.like().assign(4) : null,
                weights.like().assign(2),
                bias == null
                        ? null
                        : Nd4j.create(bias.dataType(), bias.length()).assign(3));
    }

    private void assertEqualGradients(
            DirectConvolution parts,
            INDArray input,
            INDArray weights,
            @Nullable INDArray bias,
            INDArray error,
            boolean ofInput,
            ConvolutionGeometry geometry) {
        for (boolean add : new boolean[] {false, true}) {
            Gradients expected = gradients(input, weights, bias, ofInput);
            Gradients actual = gradients(input, weights, bias, ofInput);
            whole.backward(input, weights, error, expected, add, geometry, workspaces);
            parts.backward(input, weights, error, actual, add, geometry, workspaces);
            assertEqual(actual.input(), expected.input());
            assertEqual(actual.weights(), expected.weights());
            assertEqual(actual.bias(), expected.bias());
        }
    }

    private static void assertEqual(@Nullable INDArray actual, @Nullable INDArray expected) {
        assertThat(actual == null).isEqualTo(expected == null);
        if (actual != null && expected != null) {
            assertThat(ArrayDifference.of(actual, expected).relative())
                    .isLessThan(actual.dataType() == DataType.DOUBLE ? 1e-12 : 1e-5);
        }
    }
}
