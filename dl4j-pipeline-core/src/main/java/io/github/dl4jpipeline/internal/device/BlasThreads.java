package io.github.dl4jpipeline.internal.device;

import com.sun.jna.Function;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The number of threads of the BLAS library, which belongs to the process. Where the library is OpenBLAS, its own
 * function is called: ND4J would look for the library's file each time.
 */
final class BlasThreads {
    private static final @Nullable Function SET = find("openblas_set_num_threads");

    private BlasThreads() {}

    static void set(int threads) {
        if (SET == null) {
            Nd4j.factory().blas().setMaxThreads(threads);
        } else {
            SET.invokeVoid(new Object[] {threads});
        }
    }

    /** A function of OpenBLAS; null if that is not the library. */
    static @Nullable Function find(String name) {
        Nd4j.factory().blas().setMaxThreads(Nd4j.factory().blas().getMaxThreads()); // loads the library
        Pointer function = Loader.addressof("MKL_Set_Num_Threads") == null ? Loader.addressof(name) : null;
        return function == null ? null : Function.getFunction(new com.sun.jna.Pointer(function.address()));
    }
}
