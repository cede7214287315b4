package io.github.dl4jpipeline.device;

import io.github.dl4jpipeline.internal.device.ReachableArguments;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.blas.Level1;
import org.nd4j.linalg.api.blas.Level2;
import org.nd4j.linalg.api.blas.Level3;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.BaseNDArrayFactory;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;
import org.nd4j.nativeblas.OpaqueDataBuffer;

/**
 * Gives the native memory of this process to devices, and lets an operation fail that touches that of another device.
 *
 * <p>It stands between ND4J and its native library: every allocation is written down with the device of its thread, and
 * every buffer that is handed to a native operation is looked up by address; the same for the arrays of BLAS calls. Not
 * seen are single elements that Java code reads or writes, which on a GPU go through the host's copy. Buffers of up to 64
 * bytes are let through, since ND4J shares constants such as dimensions among threads; so are buffers from before the
 * installation.
 */
public final class SeparateMemory implements AutoCloseable {
    private record Block(@Nullable Device device, long bytes) {}

    private static final long SHARED_CONSTANT = 64;

    private static final ThreadLocal<@Nullable Device> CURRENT = new ThreadLocal<>();
    private static final ThreadLocal<Boolean> UNCHECKED = ThreadLocal.withInitial(() -> false);

    private static final TreeMap<Long, Block> BLOCKS = new TreeMap<>();
    private static final Map<Long, Long> BLOCK_OF_BUFFER = new HashMap<>();
    private static final Map<String, Long> BYTES = new HashMap<>();
    private static final Map<String, Long> PEAK = new HashMap<>();

    private final NativeOps original = NativeOpsHolder.getInstance().getDeviceNativeOps();
    private final Map<Field, Object> replaced = new HashMap<>();

    private SeparateMemory() {}

    /** Starts to watch this process; closing the result ends it. */
    public static SeparateMemory install() {
        SeparateMemory memory = new SeparateMemory();
        NativeOps watched = memory.watch(NativeOps.class, memory.original, memory::nativeCall);
        NativeOpsHolder.getInstance().setDeviceNativeOps(watched);
        memory.replace(behind(Nd4j.getExecutioner()), "loop", watched);
        BaseNDArrayFactory factory = (BaseNDArrayFactory) behind(Nd4j.factory());
        memory.replace(factory, "nativeOps", watched);
        memory.replace(factory, "level1", memory.watch(Level1.class, factory.level1(), memory::blasCall));
        memory.replace(factory, "level2", memory.watch(Level2.class, factory.level2(), memory::blasCall));
        memory.replace(factory, "level3", memory.watch(Level3.class, factory.level3(), memory::blasCall));
        return memory;
    }

    @Override
    public void close() {
        NativeOpsHolder.getInstance().setDeviceNativeOps(original);
        replaced.forEach((field, before) -> {
            Object owner = field.getName().equals("loop") ? Nd4j.getExecutioner() : Nd4j.factory();
            set(field, behind(owner), before);
        });
        synchronized (BLOCKS) {
            BLOCKS.clear();
            BLOCK_OF_BUFFER.clear();
            BYTES.clear();
            PEAK.clear();
        }
    }

    /** ND4J's own object where calls of it go through {@link ReachableArguments}. */
    private static Object behind(Object object) {
        return Proxy.isProxyClass(object.getClass())
                        && Proxy.getInvocationHandler(object) instanceof ReachableArguments kept
                ? kept.target
                : object;
    }

    /** Lets this thread belong to a device, or to the host: null. Returns what it belonged to. */
    static @Nullable Device enter(@Nullable Device device) {
        Device before = CURRENT.get();
        CURRENT.set(device);
        return before;
    }

    static <T> T unchecked(Supplier<T> work) {
        boolean before = UNCHECKED.get();
        UNCHECKED.set(true);
        try {
            return work.get();
        } finally {
            UNCHECKED.set(before);
        }
    }

    /** Bytes allocated on a device now. */
    public static long bytes(Device device) {
        synchronized (BLOCKS) {
            return BYTES.getOrDefault(device.id(), 0L);
        }
    }

    /** The most bytes that were allocated on a device at once. */
    public static long peakBytes(Device device) {
        synchronized (BLOCKS) {
            return PEAK.getOrDefault(device.id(), 0L);
        }
    }

    /** Forgets how many bytes have been allocated at once until now. */
    public static void resetPeaks() {
        synchronized (BLOCKS) {
            PEAK.clear();
            PEAK.putAll(BYTES);
        }
    }

    // ---- Calls ----

    @FunctionalInterface
    private interface Call {
        @Nullable Object run(Object target, Method method, Object[] arguments) throws Throwable;
    }

    private <T> T watch(Class<T> type, Object target, Call call) {
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                    try {
                        return call.run(target, method, arguments == null ? new Object[0] : arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }

    private @Nullable Object nativeCall(Object target, Method method, Object[] arguments) throws Throwable {
        String name = method.getName();
        switch (name) {
            case "allocateDataBuffer", "dbAllocateDataBuffer" -> {
                long bytes = (long) arguments[0]
                        * DataType.fromInt((int) arguments[1]).width();
                requireRoom(bytes);
                OpaqueDataBuffer buffer = (OpaqueDataBuffer) method.invoke(target, arguments);
                allocated(original.dbPrimaryBuffer(buffer).address(), bytes, buffer.address());
                return buffer;
            }
            case "mallocHost" -> {
                requireRoom((long) arguments[0]);
                Pointer pointer = (Pointer) method.invoke(target, arguments);
                allocated(pointer.address(), (long) arguments[0], 0);
                return pointer;
            }
            case "freeHost" -> free(((Pointer) arguments[0]).address());
            case "dbClose", "deleteDataBuffer" -> freeBuffer(((Pointer) arguments[0]).address());
            default -> {
                if (!name.startsWith("db")) {
                    for (Object argument : arguments) {
                        if (argument instanceof OpaqueDataBuffer buffer && !buffer.isNull()) {
                            check(original.dbPrimaryBuffer(buffer), name);
                        }
                    }
                }
            }
        }
        return method.invoke(target, arguments);
    }

    private @Nullable Object blasCall(Object target, Method method, Object[] arguments) throws Throwable {
        for (Object argument : arguments) {
            if (argument instanceof INDArray array && !array.isEmpty()) {
                check(array.data().addressPointer(), method.getName());
            }
        }
        return method.invoke(target, arguments);
    }

    // ---- Memory ----

    private static void requireRoom(long bytes) {
        Device device = CURRENT.get();
        if (device != null && bytes(device) + bytes > device.memoryBytes()) {
            throw new OutOfMemoryError("Device " + device.id() + " has " + bytes(device) + " of " + device.memoryBytes()
                    + " bytes in use, no room for " + bytes);
        }
    }

    private static void allocated(long address, long bytes, long buffer) {
        synchronized (BLOCKS) {
            // What lay here before has been freed unseen.
            Long before = BLOCKS.floorKey(address + Math.max(1, bytes) - 1);
            while (before != null && before + BLOCKS.get(before).bytes() > address) {
                free(before);
                before = BLOCKS.floorKey(address + Math.max(1, bytes) - 1);
            }
            Device device = CURRENT.get();
            BLOCKS.put(address, new Block(device, bytes));
            if (buffer != 0) {
                BLOCK_OF_BUFFER.put(buffer, address);
            }
            if (device != null) {
                long now = BYTES.merge(device.id(), bytes, Long::sum);
                PEAK.merge(device.id(), now, Math::max);
            }
        }
    }

    private static void freeBuffer(long buffer) {
        synchronized (BLOCKS) {
            Long address = BLOCK_OF_BUFFER.remove(buffer);
            if (address != null) {
                free(address);
            }
        }
    }

    private static void free(long address) {
        synchronized (BLOCKS) {
            Block block = BLOCKS.remove(address);
            if (block != null && block.device() != null) {
                BYTES.merge(block.device().id(), -block.bytes(), Long::sum);
            }
        }
    }

    private static void check(@Nullable Pointer pointer, String operation) {
        if (pointer == null || pointer.isNull() || UNCHECKED.get()) {
            return;
        }
        synchronized (BLOCKS) {
            Map.Entry<Long, Block> entry = BLOCKS.floorEntry(pointer.address());
            if (entry == null || entry.getKey() + entry.getValue().bytes() <= pointer.address()) {
                return;
            }
            Block block = entry.getValue();
            Device current = CURRENT.get();
            boolean same = current == null ? block.device() == null : current.equals(block.device());
            if (!same && block.bytes() > SHARED_CONSTANT) {
                throw new IllegalStateException("Operation " + operation + " on " + name(current)
                        + " touches an array of " + block.bytes() + " bytes on " + name(block.device()));
            }
        }
    }

    private static String name(@Nullable Device device) {
        return device == null ? "the host" : device.id();
    }

    // ---- Reflection ----

    private void replace(Object owner, String name, Object value) {
        for (Class<?> type = owner.getClass(); type != null; type = type.getSuperclass()) {
            try {
                Field field = type.getDeclaredField(name);
                field.setAccessible(true);
                replaced.put(field, field.get(owner));
                field.set(owner, value);
                return;
            } catch (NoSuchFieldException e) {
                // the superclass may have it
            } catch (IllegalAccessException e) {
                throw new AssertionError(e);
            }
        }
        throw new AssertionError("No field " + name + " in " + owner.getClass());
    }

    private static void set(Field field, Object owner, Object value) {
        try {
            field.set(owner, value);
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }
}
