package io.github.dl4jpipeline.internal.device;

import org.nd4j.linalg.factory.Environment;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What this library changes for the whole process, other code included, where ND4J runs on CPUs. Each {@link Effect} has a
 * switch, {@code -Ddl4jpipeline.NAME=false}, that leaves it alone.
 */
public final class WholeProcess {
    /** One thing that is changed. */
    enum Effect {
        /** The C library keeps memory that is freed, unless its environment says how; see {@link NativeHeap}. */
        KEEP_FREED_MEMORY("keepFreedMemory"),
        /** ND4J keeps what its operations are given reachable until they return; see {@link ReachableArguments}. */
        REACHABLE_ARGUMENTS("reachableArguments"),
        /** ND4J describes each shape of arrays once; see {@link ShapeCache}. */
        SHAPE_CACHE("shapeCache"),
        /** BLAS has no more threads than an operation may use, while {@link WholeProcess#limitThreads} says so. */
        BLAS_THREADS("blasThreads");

        final String property;

        Effect(String name) {
            property = "dl4jpipeline." + name;
        }

        boolean isWanted() {
            return !"false".equalsIgnoreCase(System.getProperty(property));
        }
    }

    private static final Object LOCK = new Object();
    private static int running;
    private static int savedMaxMasterThreads;
    private static int savedBlasThreads;

    private WholeProcess() {}

    /** Makes the changes that stay, unless they have been made. To be called before the first thread is bound to a device. */
    public static void prepare() {
        if (!Nd4j.getEnvironment().isCPU()) {
            return;
        }
        if (Effect.KEEP_FREED_MEMORY.isWanted()) {
            NativeHeap.keepFreed();
        }
        if (Effect.REACHABLE_ARGUMENTS.isWanted()) {
            ReachableArguments.install();
        }
        if (Effect.SHAPE_CACHE.isWanted()) {
            ShapeCache.install();
        }
    }

    /**
     * Limits the operations of this process to {@code threads} threads each, until the returned object is closed. Calls
     * may nest and overlap; the settings found by the first are restored by the last.
     */
    public static Limit limitThreads(int threads) {
        synchronized (LOCK) {
            Environment environment = Nd4j.getEnvironment();
            if (running++ == 0) {
                savedMaxMasterThreads = environment.maxMasterThreads();
                savedBlasThreads = Nd4j.factory().blas().getMaxThreads();
                set(threads, threads);
            } else if (threads > environment.maxMasterThreads()) {
                set(threads, threads);
            }
        }
        return new Limit();
    }

    private static void set(int maxMasterThreads, int blasThreads) {
        Nd4j.getEnvironment().setMaxMasterThreads(maxMasterThreads);
        if (Effect.BLAS_THREADS.isWanted()) {
            BlasThreads.set(blasThreads);
        }
    }

    /** A limit on the threads of this process's operations; closing it twice has no effect. */
    public static final class Limit implements AutoCloseable {
        private boolean closed;

        private Limit() {}

        @Override
        public void close() {
            synchronized (LOCK) {
                if (closed) {
                    return;
                }
                closed = true;
                if (--running == 0) {
                    set(savedMaxMasterThreads, savedBlasThreads);
                }
            }
        }
    }
}
