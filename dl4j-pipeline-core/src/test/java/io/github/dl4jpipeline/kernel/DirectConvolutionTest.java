package io.github.dl4jpipeline.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.kernel.BackwardConvolution.Gradients;
import java.util.List;
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

/** Large maps, some examples at a time: here 3, 3 and 1, against all at once. */
class DirectConvolutionTest {
    private static final int EXAMPLES = 7;

    private final LayerWorkspaceMgr workspaces = LayerWorkspaceMgr.noWorkspaces();

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
        ConvolutionGeometry geometry = new ConvolutionGeometry(
                new ConvolutionLayer.Builder(3, 3)
                        .stride(2, 2)
                        .dataFormat(format)
                        .build(),
                ConvolutionMode.Truncate);
        INDArray input = maps(type, format, 3, 9);
        INDArray output = maps(type, format, 5, 4);
        INDArray error = maps(type, format, 5, 4);
        INDArray weights = Nd4j.rand(type, 5, 3, 3, 3);
        INDArray bias = hasBias ? Nd4j.rand(type, 1, 5) : null;
        long bytesOfExample = (input.length() + output.length()) / EXAMPLES * type.width();
        DirectConvolution parts = new DirectConvolution(3 * bytesOfExample);
        DirectConvolution whole = new DirectConvolution();

        INDArray expectedOutput = output.like();
        whole.forward(input, weights, bias, expectedOutput, geometry, workspaces);
        parts.forward(input, weights, bias, output, geometry, workspaces);
        assertEqual(output, expectedOutput);

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

    @ParameterizedTest
    @CsvSource({"7, 3, 3 3 1", "6, 4, 3 3", "32, 8, 8 8 8 8", "5, 5, 5", "3, 1, 1 1 1", "2, 9, 2"})
    void partsAreFewAndNoneIsLargerThanTheFirst(long examples, long most, String sizes) {
        List<Rows.Range> parts = Rows.parts(examples, most);
        assertThat(parts.stream().map(part -> String.valueOf(part.size()))).containsExactly(sizes.split(" "));
        assertThat(parts.get(parts.size() - 1).to()).isEqualTo(examples);
    }

    private static INDArray maps(DataType type, CNN2DFormat format, int channels, int size) {
        return format == CNN2DFormat.NCHW
                ? Nd4j.rand(type, EXAMPLES, channels, size, size)
                : Nd4j.rand(type, EXAMPLES, size, size, channels);
    }

    /** With something in them, to add to or to overwrite. */
    private static Gradients gradients(INDArray input, INDArray weights, @Nullable INDArray bias, boolean ofInput) {
        return new Gradients(
                ofInput ? input.like() : null,
                weights.like().assign(2),
                bias == null ? null : bias.like().assign(3));
    }

    private static void assertEqual(@Nullable INDArray actual, @Nullable INDArray expected) {
        assertThat(actual == null).isEqualTo(expected == null);
        if (actual != null && expected != null) {
            double difference = actual.sub(expected).amaxNumber().doubleValue();
            double largest = expected.amaxNumber().doubleValue();
            assertThat(difference / largest).isLessThan(actual.dataType() == DataType.DOUBLE ? 1e-12 : 1e-5);
        }
    }
}
