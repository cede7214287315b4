package io.github.dl4jpipeline.cuda;

import org.jspecify.annotations.Nullable;
import org.nd4j.jita.conf.CudaEnvironment;
import org.nd4j.linalg.factory.Nd4j;

/** Loads ND4J. Only for machines of which it is known that its CUDA backend runs there. */
final class CudaBackend {
    private CudaBackend() {}

    /** Why ND4J does not run on its CUDA backend; null if it does. */
    static @Nullable String problem() {
        try {
            // Takes effect before the backend's first operation only.
            CudaEnvironment.getInstance().getConfiguration().allowMultiGPU(true);
            String loaded = Nd4j.getBackend().getClass().getSimpleName();
            return Nd4j.getEnvironment().isCPU() ? "ND4J has loaded " + loaded : null;
        } catch (LinkageError | RuntimeException e) {
            return "ND4J cannot load its CUDA backend: " + rootOf(e);
        }
    }

    private static Throwable rootOf(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }
}
