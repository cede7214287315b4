package io.github.dl4jpipeline.internal.onednn;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_desc_base;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * One operation of oneDNN on arrays of fixed layouts. It owns what native memory it needs but for its arguments, which stay the
 * caller's. One thread at a time uses it.
 *
 * <p>{@link #with} sets each argument before each {@link #run}. The arrays are held until the native call has returned.
 */
public final class Primitive implements AutoCloseable {
    /** In bytes; some of oneDNN's code ends the process where an array that it writes does not begin at a multiple of it. */
    public static final int ALIGNMENT = 64;

    private final String name;
    private final primitive_desc_base description;
    private final primitive operation;
    private final IntMemoryMap arguments = new IntMemoryMap();
    private final Map<Slot, Argument> slots = new EnumMap<>(Slot.class);
    private final Address address = new Address();
    private final long scratchBytes;
    private boolean closed;

    /** An argument, and the array that it has been set to. */
    private static final class Argument {
        final memory native_;
        final long bytes;
        final int alignment;

        @Nullable INDArray array;

        Argument(memory native_, long bytes, int alignment) {
            this.native_ = native_;
            this.bytes = bytes;
            this.alignment = alignment;
        }
    }

    Primitive(primitive_desc_base description, primitive operation) {
        this.description = description;
        this.operation = operation;
        this.name = description.impl_info_str().getString();
        memory.desc scratch = description.scratchpad_desc();
        this.scratchBytes = scratch.get_size();
        if (scratchBytes > 0) {
            takes(Slot.SCRATCH, scratch);
        }
    }

    /** Whether oneDNN has only its slow code for this. */
    static boolean isSlow(primitive_desc_base description) {
        return description.impl_info_str().getString().startsWith("ref");
    }

    Primitive takes(Slot slot, Layout layout) {
        return takes(slot, layout.description(), layout.bytes(), 1);
    }

    Primitive takes(Slot slot, memory.desc layout) {
        return takes(slot, layout, layout.get_size(), 1);
    }

    /** Likewise an array that begins at a multiple of {@link #ALIGNMENT}. */
    Primitive takesAligned(Slot slot, memory.desc layout) {
        return takes(slot, layout, layout.get_size(), ALIGNMENT);
    }

    private Primitive takes(Slot slot, memory.desc layout, long bytes, int alignment) {
        memory argument = new memory(layout, OneDnn.engine(), null);
        slots.put(slot, new Argument(argument, bytes, alignment));
        arguments.put(slot.number(), argument);
        return this;
    }

    /** Working memory that {@link #run} wants, in floats; 0 for none. */
    public long scratchFloats() {
        return (scratchBytes + Float.BYTES - 1) / Float.BYTES;
    }

    /**
     * Sets an argument for the next run.
     *
     * @param array contiguous from its first element on, and at least as large as the primitive's layout
     * @throws IllegalArgumentException if it is smaller, not aligned as it must be, or this takes no such argument
     */
    public Primitive with(Slot slot, INDArray array) {
        return with(slot, array, 0);
    }

    /**
     * The same with a part of an array.
     *
     * @param first index of its first element
     */
    public Primitive with(Slot slot, INDArray array, long first) {
        requireOpen();
        Argument argument = slots.get(slot);
        if (argument == null) {
            throw new IllegalArgumentException(name + " takes no " + slot);
        }
        long elements = array.length() - first;
        if (first < 0 || elements * array.dataType().width() < argument.bytes) {
            throw new IllegalArgumentException(name + ": " + slot + " has " + elements + " elements of "
                    + array.dataType() + ", and " + argument.bytes + " bytes are needed");
        }
        long begin = array.data().addressPointer().address()
                + first * array.dataType().width();
        if (begin % argument.alignment != 0) {
            throw new IllegalArgumentException(
                    name + ": " + slot + " does not begin at a multiple of " + argument.alignment + " bytes");
        }
        argument.array = array;
        argument.native_.set_data_handle(address.at(begin));
        return this;
    }

    /** Runs in this thread, and returns when the results are there. */
    public void run() {
        requireOpen();
        slots.forEach((slot, argument) -> {
            if (argument.array == null) {
                throw new IllegalStateException(name + ": " + slot + " is not set");
            }
        });
        try {
            operation.execute(OneDnn.stream(), arguments);
        } finally {
            for (Argument argument : slots.values()) {
                Reference.reachabilityFence(argument.array);
                argument.array = null;
            }
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException(name + " is closed");
        }
    }

    /** Frees what it owns, once. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            List<Pointer> owned = new ArrayList<>(List.of(operation, arguments));
            slots.values().forEach(argument -> owned.add(argument.native_));
            owned.add(description);
            owned.forEach(Pointer::close);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
