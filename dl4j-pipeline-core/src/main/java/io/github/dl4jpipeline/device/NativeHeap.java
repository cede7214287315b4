package io.github.dl4jpipeline.device;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import org.jspecify.annotations.Nullable;

/** Memory that the C library has from the operating system. */
public final class NativeHeap {
    private static final @Nullable Function TRIM = find();

    private NativeHeap() {}

    private static @Nullable Function find() {
        if (!Platform.isLinux()) {
            return null;
        }
        try {
            return NativeLibrary.getProcess().getFunction("malloc_trim");
        } catch (UnsatisfiedLinkError e) {
            return null; // another C library than GNU's
        }
    }

    /**
     * Gives back what has been freed, where the C library is GNU's: it keeps that by itself, for each thread apart, so that
     * arrays of threads that have ended would count for this process for ever. Takes up to some hundred milliseconds.
     */
    public static void trim() {
        if (TRIM != null) {
            TRIM.invokeInt(new Object[] {0L});
        }
    }
}
