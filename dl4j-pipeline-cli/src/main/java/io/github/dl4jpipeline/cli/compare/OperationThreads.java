package io.github.dl4jpipeline.cli.compare;

import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * Sets how many threads an operation of the calling thread uses, until closed. OpenMP's count belongs to the calling
 * thread; those of ND4J and of the BLAS library to the process. (ND4J's {@code setMaxThreads} changes nothing, its
 * {@code setMaxMasterThreads} does.)
 */
final class OperationThreads implements AutoCloseable {
    private final int masters = Nd4j.getEnvironment().maxMasterThreads();
    private final int blas = Nd4j.factory().blas().getMaxThreads();
    private final int openMp = nativeOps().ompGetMaxThreads();

    private OperationThreads() {}

    static OperationThreads use(int threads) {
        OperationThreads found = new OperationThreads();
        set(threads, threads);
        setOfThisThread(threads);
        return found;
    }

    /** Sets OpenMP's count alone, for the calling thread. */
    static void setOfThisThread(int threads) {
        nativeOps().setOmpNumThreads(threads);
    }

    private static void set(int masters, int blas) {
        Nd4j.getEnvironment().setMaxMasterThreads(masters);
        Nd4j.factory().blas().setMaxThreads(blas);
    }

    private static NativeOps nativeOps() {
        return NativeOpsHolder.getInstance().getDeviceNativeOps();
    }

    @Override
    public void close() {
        set(masters, blas);
        setOfThisThread(openMp);
    }
}
