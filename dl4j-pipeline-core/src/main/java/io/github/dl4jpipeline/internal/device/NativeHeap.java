package io.github.dl4jpipeline.internal.device;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Memory that the C library has from the operating system, where that library is GNU's; elsewhere nothing is done. */
public final class NativeHeap {
    // Of malloc.h.
    private static final int M_TRIM_THRESHOLD = -1;
    private static final int M_TOP_PAD = -2;
    private static final int M_MMAP_MAX = -4;

    /** The size of a heap of a thread: one that is wanted to be left free is never given back. */
    private static final int PAD = 64 << 20;

    private static final Set<String> SETTINGS =
            Set.of("MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_");

    private static final @Nullable Function TRIM = find("malloc_trim");
    private static final @Nullable Function OPTION = isSetByUser(System.getenv()) ? null : find("mallopt");
    private static final AtomicBoolean KEEPS = new AtomicBoolean();

    private NativeHeap() {}

    private static @Nullable Function find(String name) {
        if (!Platform.isLinux()) {
            return null;
        }
        try {
            return NativeLibrary.getProcess().getFunction(name);
        } catch (UnsatisfiedLinkError e) {
            return null; // another C library than GNU's
        }
    }

    static boolean isSetByUser(Map<String, String> environment) {
        return environment.keySet().stream().anyMatch(SETTINGS::contains)
                || environment.getOrDefault("GLIBC_TUNABLES", "").contains("glibc.malloc.");
    }

    /**
     * Lets the C library keep what is freed, until {@link #giveBack}. Works for the whole process. Does nothing where
     * the environment says how memory is kept.
     *
     * <p>Without it, large freed blocks go back to the system at once. oneDNN takes such blocks for each convolution,
     * and the system has to clear their pages each time.
     */
    static void keepFreed() {
        if (KEEPS.compareAndSet(false, true)) {
            set(M_MMAP_MAX, 0);
            set(M_TRIM_THRESHOLD, Integer.MAX_VALUE);
            set(M_TOP_PAD, PAD);
        }
    }

    static boolean keepsFreed() {
        return KEEPS.get();
    }

    /** Gives what has been freed back to the system. */
    public static void giveBack() {
        giveBack(() -> {});
    }

    /**
     * Frees much, and gives it back to the system with all that was freed before. The C library has a heap for each
     * thread. Without this call, memory of threads that have ended would stay with the process for ever. Takes up to
     * some hundred milliseconds.
     */
    public static void giveBack(Runnable frees) {
        try {
            if (KEEPS.get()) { // else the end of a thread's heap would be kept
                set(M_TRIM_THRESHOLD, 0);
                set(M_TOP_PAD, 0);
            }
            frees.run();
        } finally {
            if (KEEPS.get()) {
                set(M_TRIM_THRESHOLD, Integer.MAX_VALUE);
                set(M_TOP_PAD, PAD);
            }
            if (TRIM != null) {
                TRIM.invokeInt(new Object[] {0L});
            }
        }
    }

    private static void set(int option, int value) {
        if (OPTION != null) {
            OPTION.invokeInt(new Object[] {option, value});
        }
    }
}
