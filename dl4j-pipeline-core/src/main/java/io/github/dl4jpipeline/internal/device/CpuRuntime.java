package io.github.dl4jpipeline.internal.device;

import io.github.dl4jpipeline.device.Device;
import java.util.BitSet;
import net.openhft.affinity.Affinity;
import org.nd4j.linalg.factory.Environment;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Binds threads to CPU devices and sets how many threads an operation uses, at run time.
 *
 * <p>Three settings decide the thread count of an ND4J operation: OpenMP's, which belongs to the calling thread; the
 * limit of ND4J's environment; and that of the BLAS library. The last two belong to the process, so they are set only
 * while a training step runs, and put back after it.
 */
public final class CpuRuntime {
    private static final Logger log = LoggerFactory.getLogger(CpuRuntime.class);

    private static final Object LOCK = new Object();
    private static int running;
    private static int savedMaxMasterThreads;
    private static int savedBlasThreads;

    private CpuRuntime() {}

    /**
     * Binds the calling thread to a device: pins it to the device's cores where the platform can, and limits its OpenMP
     * teams to as many threads. Call it before the thread's first operation, because the threads of OpenMP teams inherit the
     * cores of the thread that starts them. If it is bound to another device later, they keep them.
     */
    public static void bindCurrentThread(Device device) {
        NativeHeap.keepFreed();
        ReachableArguments.install();
        ShapeCache.install();
        if (CpuCores.pinnable(device.cores())) {
            BitSet cores = new BitSet();
            device.cores().forEach(cores::set);
            Affinity.setAffinity(cores);
        } else {
            log.debug("Device {}: threads are not pinned, the process may not choose cores here", device.id());
        }
        NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(device.threads());
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
        BlasThreads.set(blasThreads);
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
