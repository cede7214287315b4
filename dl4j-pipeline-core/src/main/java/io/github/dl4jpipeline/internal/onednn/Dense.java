package io.github.dl4jpipeline.internal.onednn;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.inner_product_backward_data;
import org.bytedeco.dnnl.inner_product_backward_weights;
import org.bytedeco.dnnl.inner_product_forward;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;

/**
 * Products of rows with weights, each in row-major order: rows {@code [examples, inputs]}, weights {@code [outputs, inputs]}.
 */
public final class Dense implements SharedGradient {
    private final Layout rows;
    private final Layout results;
    private final Layout weights;
    private final boolean bias;

    public Dense(long examples, long inputs, long outputs, boolean bias) {
        this.rows = Layout.rowMajor(examples, inputs);
        this.results = Layout.rowMajor(examples, outputs);
        this.weights = Layout.rowMajor(outputs, inputs);
        this.bias = bias;
    }

    @Override
    public Dense ofExamples(long count) {
        return new Dense(count, inputs(), outputs(), bias);
    }

    @Override
    public boolean joins(SharedGradient other) {
        return true;
    }

    @Override
    public long examples() {
        return rows.shape()[0];
    }

    /** Rows that take at most as much memory as the gradient. */
    @Override
    public long mostExamples() {
        return inputs() * outputs() / (inputs() + outputs());
    }

    @Override
    public long inputs() {
        return rows.shape()[1];
    }

    @Override
    public long outputs() {
        return results.shape()[1];
    }

    public Layout input() {
        return rows;
    }

    public Layout output() {
        return results;
    }

    /**
     * From {@link Slot#INPUT}, {@link Slot#WEIGHTS} and {@link Slot#BIAS} to {@link Slot#OUTPUT}. A product of matrices is
     * faster for few rows than oneDNN's own operation for dense layers.
     */
    public Primitive forward(Activation activation) {
        memory.desc transposed = Layout.strided(new long[] {inputs(), outputs()}, new long[] {1, inputs()})
                .description();
        memory.desc bias = Layout.rowMajor(1, outputs()).description();
        matmul.desc product = this.bias
                ? new matmul.desc(rows.description(), transposed, bias, results.description())
                : new matmul.desc(rows.description(), transposed, results.description());
        matmul.primitive_desc description = new matmul.primitive_desc(product, activation.fused(), OneDnn.engine());
        Primitive primitive = new Primitive(description, new matmul(description))
                .takes(Slot.INPUT, rows)
                .takes(Slot.WEIGHTS, transposed)
                .takes(Slot.OUTPUT, results);
        return this.bias ? primitive.takes(Slot.BIAS, bias) : primitive;
    }

    /** From {@link Slot#OUTPUT_ERROR} and {@link Slot#WEIGHTS} to {@link Slot#INPUT_ERROR}. */
    public Primitive backward() {
        inner_product_backward_data.primitive_desc description = new inner_product_backward_data.primitive_desc(
                new inner_product_backward_data.desc(rows.description(), weights.description(), results.description()),
                OneDnn.attributes(),
                OneDnn.engine(),
                hint());
        return new Primitive(description, new inner_product_backward_data(description))
                .takes(Slot.OUTPUT_ERROR, results)
                .takes(Slot.WEIGHTS, weights)
                .takes(Slot.INPUT_ERROR, rows);
    }

    @Override
    public Layout gradientWeights() {
        return weights;
    }

    @Override
    public Primitive gradient() {
        inner_product_backward_weights.desc operation = bias
                ? new inner_product_backward_weights.desc(
                        rows.description(), weights.description(), biasLayout(), results.description())
                : new inner_product_backward_weights.desc(
                        rows.description(), weights.description(), results.description());
        inner_product_backward_weights.primitive_desc description = new inner_product_backward_weights.primitive_desc(
                operation, OneDnn.attributes(), OneDnn.engine(), hint());
        Primitive primitive = new Primitive(description, new inner_product_backward_weights(description))
                .takes(Slot.INPUT, rows)
                .takes(Slot.OUTPUT_ERROR, results)
                .takes(Slot.WEIGHT_GRADIENT, weights);
        return bias ? primitive.takes(Slot.BIAS_GRADIENT, biasLayout()) : primitive;
    }

    private memory.desc biasLayout() {
        return Layout.rowMajor(outputs()).description();
    }

    private inner_product_forward.primitive_desc hint() {
        inner_product_forward.desc operation = bias
                ? new inner_product_forward.desc(
                        dnnl.prop_kind.forward_training,
                        rows.description(),
                        weights.description(),
                        biasLayout(),
                        results.description())
                : new inner_product_forward.desc(
                        dnnl.prop_kind.forward_training,
                        rows.description(),
                        weights.description(),
                        results.description());
        return new inner_product_forward.primitive_desc(operation, OneDnn.attributes(), OneDnn.engine());
    }
}
