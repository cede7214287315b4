package io.github.dl4jpipeline.internal.onednn;

import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive_attr;

/**
 * Products of matrices: {@code [m, k]} by {@code [k, n]}, each in row-major order or transposed; or so many of them:
 * {@code [count, m, k]} by {@code [count, k, n]}.
 */
public final class Product {
    private Product() {}

    /** A matrix in row-major order. */
    public static Layout matrix(long rows, long columns) {
        return Layout.rowMajor(rows, columns);
    }

    /** The transposed of a matrix that is {@code [columns, rows]} in row-major order. */
    public static Layout transposed(long rows, long columns) {
        return Layout.strided(new long[] {rows, columns}, new long[] {1, rows});
    }

    /** From {@link Slot#INPUT} and {@link Slot#WEIGHTS} to {@link Slot#OUTPUT}. */
    public static Primitive of(Layout left, Layout right) {
        Layout result = result(left, right);
        return of(
                new matmul.desc(left.description(), right.description(), result.description()),
                OneDnn.attributes(),
                left,
                right,
                result);
    }

    /** The same, with a function applied to each element. */
    static Primitive of(Layout left, Layout right, Activation activation) {
        Layout result = result(left, right);
        return of(
                new matmul.desc(left.description(), right.description(), result.description()),
                activation.fused(),
                left,
                right,
                result);
    }

    /** The same, added to what is there. */
    public static Primitive adding(Layout left, Layout right) {
        primitive_attr attributes = OneDnn.attributes();
        post_ops after = new post_ops();
        after.append_sum();
        attributes.set_post_ops(after);
        Layout result = result(left, right);
        return of(
                new matmul.desc(left.description(), right.description(), result.description()),
                attributes,
                left,
                right,
                result);
    }

    /**
     * The same with a factor, where a layout says; added to what is there if it adds. The layouts may leave gaps: the matrices may
     * be parts of others.
     */
    public static Primitive into(Layout left, Layout right, Layout result, float factor, boolean adds) {
        primitive_attr attributes = OneDnn.attributes();
        if (factor != 1) {
            attributes.set_output_scales(0, new float[] {factor});
        }
        if (adds) {
            post_ops after = new post_ops();
            after.append_sum();
            attributes.set_post_ops(after);
        }
        return of(
                new matmul.desc(left.description(), right.description(), result.description()),
                attributes,
                left,
                right,
                result);
    }

    /** The product plus {@link Slot#BIAS} in each row. */
    public static Primitive withBias(Layout left, Layout right) {
        Layout result = result(left, right);
        memory.desc bias = Layout.rowMajor(1, right.shape()[1]).description();
        return of(
                        new matmul.desc(left.description(), right.description(), bias, result.description()),
                        OneDnn.attributes(),
                        left,
                        right,
                        result)
                .takes(Slot.BIAS, bias);
    }

    private static Layout result(Layout left, Layout right) {
        long[] shape = left.shape();
        shape[shape.length - 1] = right.shape()[shape.length - 1];
        return Layout.rowMajor(shape);
    }

    private static Primitive of(
            matmul.desc product, primitive_attr attributes, Layout left, Layout right, Layout result) {
        matmul.primitive_desc description = new matmul.primitive_desc(product, attributes, OneDnn.engine());
        return new Primitive(description, new matmul(description))
                .takes(Slot.INPUT, left)
                .takes(Slot.WEIGHTS, right)
                .takes(Slot.OUTPUT, result);
    }
}
