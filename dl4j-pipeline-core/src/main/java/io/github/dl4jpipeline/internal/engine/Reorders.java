package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Reorder;
import io.github.dl4jpipeline.internal.onednn.Slot;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Writes values in other layouts. One thread at a time uses it. */
public final class Reorders implements AutoCloseable {
    /** The most pairs of layouts that are remembered: a large kernel on small maps takes two for each of its values. */
    private static final int MOST = 256;

    private final Map<Pair, Primitive> primitives = new LinkedHashMap<>();

    private record Pair(Layout from, Layout to, boolean adding) {}

    /**
     * The floats of a value in a layout of the same shape.
     *
     * @param memory for the floats, if they have another layout
     */
    INDArray in(Layout wanted, Value value, Space space, LongFunction<INDArray> memory) {
        Value floats = value.isArray() ? floats(value.values(), memory) : value;
        INDArray from = floats.values();
        Layout layout = floats.layout();
        if (layout.equals(wanted)) {
            return from;
        }
        INDArray to = memory.apply(wanted.floats());
        write(from, layout, to, wanted, space);
        return to;
    }

    /** An activation as an array, of which the memory may be the value's own. */
    public INDArray activation(Value value, Space space) {
        return array(value, space, space::activation);
    }

    /** An error as an array, of which the memory may be the value's own. */
    public INDArray error(Value value, Space space) {
        return array(value, space, space::error);
    }

    /** Adds a value to another of the same shape. */
    public void addTo(Value sum, Value next, Space space) {
        Layout layout = sum.layout();
        Layout other = next.layout();
        if (layout == null && other == null) {
            sum.values().addi(next.values());
        } else if (layout == null) {
            sum.values().addi(error(next, space));
        } else {
            Layout from = other == null ? Layout.rowMajor(next.shape()) : other;
            INDArray floats = other == null ? rowMajor(next.values(), space::work) : next.values();
            if (from.equals(layout)) {
                sum.values().addi(floats.reshape(sum.values().shape()));
            } else {
                add(floats, from, sum.values(), layout, space);
            }
        }
    }

    /** A value as an array, of which the memory may be the value's own. */
    public INDArray array(Value value, Space space, LongFunction<INDArray> memory) {
        Layout layout = value.layout();
        if (layout == null) {
            return value.values();
        }
        INDArray floats = in(Layout.rowMajor(layout.shape()), value, space, memory);
        return floats.reshape('c', layout.shape());
    }

    /**
     * A value whose elements, in row-major order, are those of another. Floats stay where they are, if they can.
     *
     * @param memory for the floats, if they cannot
     */
    Value reshaped(Value value, long[] shape, Space space, LongFunction<INDArray> memory) {
        Layout layout = value.layout();
        if (layout == null) {
            return Value.of(rowMajor(value.values(), memory).reshape('c', shape));
        }
        Layout same = layout.reshaped(shape);
        return same == null
                ? new Value(in(Layout.rowMajor(layout.shape()), value, space, memory), Layout.rowMajor(shape))
                : new Value(value.values(), same);
    }

    /** The floats of an array as they are, if they are one after another in some order of dimensions; else in row-major order. */
    private static Value floats(INDArray array, LongFunction<INDArray> memory) {
        int[] slowestFirst = isRowMajor(array) ? null : dimensionsOf(array);
        if (slowestFirst == null) {
            return new Value(rowMajor(array, memory), Layout.rowMajor(array.shape()));
        }
        long[] shape = array.shape();
        long[] strides = new long[shape.length];
        long next = 1;
        for (int i = slowestFirst.length - 1; i >= 0; i--) {
            strides[slowestFirst[i]] = next;
            next *= shape[slowestFirst[i]];
        }
        INDArray vector = array.permute(slowestFirst).reshape(array.length());
        return new Value(vector, Layout.strided(shape, strides));
    }

    /** The dimensions from the slowest to the fastest; null if there are gaps between elements. */
    private static int @Nullable [] dimensionsOf(INDArray array) {
        long[] shape = array.shape();
        long[] strides = array.stride();
        int[] slowestFirst = IntStream.range(0, shape.length)
                .boxed()
                .sorted(Comparator.<Integer>comparingLong(i -> -strides[i]))
                .mapToInt(i -> i)
                .toArray();
        long next = 1;
        for (int i = slowestFirst.length - 1; i >= 0; i--) {
            int dimension = slowestFirst[i];
            if (shape[dimension] > 1 && strides[dimension] != next) { // of a single element it says nothing
                return null;
            }
            next *= shape[dimension];
        }
        return slowestFirst;
    }

    private static boolean isRowMajor(INDArray array) {
        return array.ordering() == 'c' && (array.length() == 1 || array.elementWiseStride() == 1);
    }

    /** The same array, contiguous in row-major order. */
    private static INDArray rowMajor(INDArray array, LongFunction<INDArray> memory) {
        return isRowMajor(array)
                ? array
                : memory.apply(array.length()).reshape('c', array.shape()).assign(array);
    }

    void write(INDArray from, Layout fromLayout, INDArray to, Layout toLayout, Space space) {
        write(from, 0, fromLayout, to, 0, toLayout, space);
    }

    /** The same with parts of arrays, which begin at these indices. */
    void write(INDArray from, long fromAt, Layout fromLayout, INDArray to, long toAt, Layout toLayout, Space space) {
        Primitive primitive = of(fromLayout, toLayout, false);
        if (primitive.scratchFloats() > 0) {
            primitive.with(Slot.SCRATCH, space.work(primitive.scratchFloats()));
        }
        primitive.with(Slot.INPUT, from, fromAt).with(Slot.OUTPUT, to, toAt).run();
    }

    /** Adds the values to those that are there. */
    void add(INDArray from, Layout fromLayout, INDArray to, Layout toLayout, Space space) {
        run(of(fromLayout, toLayout, true), from, to, space);
    }

    private static void run(Primitive primitive, INDArray from, INDArray to, Space space) {
        if (primitive.scratchFloats() > 0) {
            primitive.with(Slot.SCRATCH, space.work(primitive.scratchFloats()));
        }
        primitive.with(Slot.INPUT, from).with(Slot.OUTPUT, to).run();
    }

    private Primitive of(Layout from, Layout to, boolean adding) {
        Pair pair = new Pair(from, to, adding);
        Primitive known = primitives.get(pair);
        if (known == null) {
            if (primitives.size() == MOST) {
                close();
            }
            known = adding ? Reorder.adding(from, to) : Reorder.of(from, to);
            primitives.put(pair, known);
        }
        return known;
    }

    @Override
    public void close() {
        primitives.values().forEach(Primitive::close);
        primitives.clear();
    }
}
