package io.github.dl4jpipeline.internal.onednn;

import java.util.Arrays;
import org.bytedeco.dnnl.dnnl_blocking_desc_t;
import org.bytedeco.dnnl.memory;
import org.jspecify.annotations.Nullable;

/** Where the floats of an array are in memory, as a primitive reads or writes them. */
public final class Layout {
    private static final memory.format_tag[] ROW_MAJOR = {
        memory.format_tag.a,
        memory.format_tag.ab,
        memory.format_tag.abc,
        memory.format_tag.abcd,
        memory.format_tag.abcde
    };

    private final memory.desc description;
    private final long[] shape;
    private final long bytes;

    private Layout(memory.desc description, long[] shape) {
        this(description, shape, description.get_size());
    }

    private Layout(memory.desc description, long[] shape, long bytes) {
        this.description = description;
        this.shape = shape;
        this.bytes = bytes;
    }

    /** One after another, the last dimension fastest. */
    public static Layout rowMajor(long... shape) {
        return new Layout(new memory.desc(shape, memory.data_type.f32, ROW_MAJOR[shape.length - 1]), shape.clone());
    }

    /**
     * Of maps, with so many channels side by side at each place.
     *
     * @param block 1 for row-major order, 8 or 16
     */
    public static Layout ofBlocks(int block, long... shape) {
        return block == 1 ? rowMajor(shape) : new Layout(blocked(block, shape), shape.clone());
    }

    /** Of maps, with all channels side by side at each place. */
    static Layout channelsLast(long... shape) {
        return new Layout(new memory.desc(shape, memory.data_type.f32, memory.format_tag.acdb), shape.clone());
    }

    private static memory.desc blocked(int block, long... shape) {
        memory.format_tag tag = block == 8 ? memory.format_tag.aBcd8b : memory.format_tag.aBcd16b;
        return new memory.desc(shape, memory.data_type.f32, tag);
    }

    /** That of single bytes at the same places as the floats; this must be in row-major order or in blocks of channels. */
    memory.desc ofBytes() {
        memory.format_tag tag =
                switch (channelBlock()) {
                    case 8 -> memory.format_tag.aBcd8b;
                    case 16 -> memory.format_tag.aBcd16b;
                    default -> ROW_MAJOR[shape.length - 1];
                };
        return new memory.desc(shape, memory.data_type.u8, tag);
    }

    /** With so many elements from one index of a dimension to the next. */
    public static Layout strided(long[] shape, long[] strides) {
        long last = 0;
        for (int i = 0; i < shape.length; i++) {
            last += (shape[i] - 1) * strides[i];
        }
        // oneDNN counts to where the next row would begin
        return new Layout(
                new memory.desc(shape, memory.data_type.f32, strides), shape.clone(), (last + 1) * Float.BYTES);
    }

    /** One after another, the last dimension fastest, of any number of dimensions. */
    static Layout packed(long... shape) {
        long[] strides = new long[shape.length];
        long next = 1;
        for (int i = shape.length - 1; i >= 0; i--) {
            strides[i] = next;
            next *= shape[i];
        }
        return strided(shape, strides);
    }

    /** For reading: the same element may be at several places. */
    static Layout overlapping(long[] shape, long[] strides) {
        Layout layout = packed(shape); // oneDNN refuses such strides in a new description
        dnnl_blocking_desc_t blocking = layout.description.data().format_desc_blocking();
        long last = 0;
        for (int i = 0; i < shape.length; i++) {
            blocking.strides().put(i, strides[i]);
            last += (shape[i] - 1) * strides[i];
        }
        return new Layout(layout.description, shape.clone(), (last + 1) * Float.BYTES);
    }

    /** The primitive chooses. */
    static memory.desc any(long... shape) {
        return new memory.desc(shape, memory.data_type.f32, memory.format_tag.any);
    }

    /** What a primitive has chosen. */
    static Layout of(memory.desc chosen, long... shape) {
        return new Layout(chosen, shape.clone());
    }

    /** Of the same floats, with dimensions in another order: the first is the one that this order names first. */
    public Layout permuted(int... order) {
        int[] places = new int[order.length];
        long[] next = new long[order.length];
        for (int i = 0; i < order.length; i++) {
            places[order[i]] = i;
            next[i] = shape[order[i]];
        }
        return new Layout(description.permute_axes(places), next, bytes);
    }

    /** Of the same floats, whose values in row-major order have another shape; null if they would have to move for that. */
    public @Nullable Layout reshaped(long... other) {
        memory.desc same = description.reshape(other, true);
        return same.data().ndims() == 0 ? null : new Layout(same, other.clone(), bytes);
    }

    /** Of some of the values, which stay where they are: so many of each dimension, from one on. */
    public Layout part(long[] sizes, long[] from) {
        return new Layout(description.submemory_desc(sizes, from), sizes.clone(), bytes);
    }

    memory.desc description() {
        return description;
    }

    /** Its dimensions: of activations examples, channels, height and width. */
    public long[] shape() {
        return shape.clone();
    }

    /** That of maps of some of the examples, which lie one after another in this one. */
    Layout ofExamples(long examples) {
        long[] some = shape.clone();
        some[0] = examples;
        int block = channelBlock();
        if (block == 0) {
            throw new IllegalArgumentException("Neither in row-major order nor in blocks of channels: " + this);
        }
        return ofBlocks(block, some);
    }

    /** Its size, with what pads it. */
    public long bytes() {
        return bytes;
    }

    /** How many floats hold it. */
    public long floats() {
        return (bytes + Float.BYTES - 1) / Float.BYTES;
    }

    /**
     * How many channels of maps lie side by side at each place: 1 in row-major order, more where blocks of channels come one
     * after another, of which the last is padded with zeros; 0 in other layouts.
     */
    public int channelBlock() {
        if (isRowMajor()) {
            return 1;
        }
        for (int block : new int[] {8, 16}) {
            if (shape.length == 4 && description.equals(blocked(block, shape))) {
                return block;
            }
        }
        return 0;
    }

    /** Whether arrays in row-major order have it. */
    public boolean isRowMajor() {
        return equals(rowMajor(shape));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Layout layout
                && bytes == layout.bytes
                && Arrays.equals(shape, layout.shape)
                && description.equals(layout.description);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(shape) + Long.hashCode(bytes);
    }

    @Override
    public String toString() {
        return Arrays.toString(shape) + " in " + bytes + " bytes";
    }
}
