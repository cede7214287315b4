package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.engine.PackedWeights.Parameter;
import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Convolution;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Winograd;
import io.github.dl4jpipeline.internal.onednn.WinogradGradient;
import io.github.dl4jpipeline.internal.onednn.WinogradSum;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The three passes of a convolution by Winograd's algorithm. Each is made when it first runs. */
final class WinogradPasses implements AutoCloseable {
    private final Parameter parameter;
    private final Parameter mirrored;
    private final Layout plain;
    private final Convolution.Shape shape;
    private final Layout input;
    private final Layout output;
    private final Activation function;
    private @Nullable Winograd forward;
    private @Nullable Winograd backward;
    private @Nullable WinogradGradient gradient;
    private @Nullable WinogradSum sum;

    /** @param plain how the parameter holds the weights */
    WinogradPasses(
            Parameter parameter, Layout plain, Convolution.Shape shape, Convolution operations, Activation function) {
        this.parameter = parameter;
        mirrored = new Parameter(parameter.vertex(), parameter.name() + ", mirrored");
        this.plain = plain;
        this.shape = shape;
        input = operations.input();
        output = operations.output();
        this.function = function;
    }

    void output(
            INDArray from, INDArray weights, @Nullable INDArray bias, INDArray to, PackedWeights packed, Space space) {
        if (forward == null) {
            forward = new Winograd(input, output, shape.window().before(), plain, false, shape.bias(), function);
        }
        INDArray transformed = transformed(forward, parameter, weights, packed, space);
        forward.run(from, transformed, bias, to, space.work(forward.workFloats()));
    }

    void error(INDArray from, INDArray weights, INDArray to, PackedWeights packed, Space space) {
        if (backward == null) {
            long[] before = shape.window().before();
            long inputs = input.shape()[1];
            backward = new Winograd(
                    output,
                    input,
                    new long[] {2 - before[0], 2 - before[1]},
                    Layout.strided(new long[] {inputs, output.shape()[1], 3, 3}, new long[] {9, 9 * inputs, 3, 1}),
                    true,
                    false,
                    Activation.IDENTITY);
        }
        INDArray transformed = transformed(backward, mirrored, weights, packed, space);
        backward.run(from, transformed, null, to, space.work(backward.workFloats()));
    }

    private static INDArray transformed(
            Winograd pass, Parameter name, INDArray weights, PackedWeights packed, Space space) {
        return packed.get(
                name, weights, pass.weights(), floats -> pass.pack(weights, floats, space.work(pass.packFloats())));
    }

    void gradient(INDArray from, INDArray errors, INDArray view, @Nullable INDArray ofBias, boolean add, Space space) {
        WinogradGradient pass = gradient();
        if (sum == null) {
            sum = sum();
        }
        INDArray transformed = space.work(sum.floats());
        pass.sum(from, errors, transformed, false, space.work(pass.workFloats()));
        sum.write(transformed, view, add, ofBias, space.work(sum.workFloats()));
    }

    WinogradGradient gradient() {
        if (gradient == null) {
            gradient = new WinogradGradient(input, output, shape.window().before(), shape.bias());
        }
        return gradient;
    }

    /** A new one of such gradients. */
    WinogradSum sum() {
        return new WinogradSum(plain);
    }

    @Override
    public void close() {
        if (forward != null) {
            forward.close();
        }
        if (backward != null) {
            backward.close();
        }
        if (gradient != null) {
            gradient.close();
        }
        if (sum != null) {
            sum.close();
        }
    }
}
