package io.github.dl4jpipeline.internal.device;

import io.github.dl4jpipeline.device.Device;
import java.util.BitSet;
import net.openhft.affinity.Affinity;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Binds threads to CPU devices.
 *
 * <p>Three settings decide the thread count of an ND4J operation: OpenMP's, which belongs to the calling thread; the
 * limit of ND4J's environment; and that of the BLAS library. The last two belong to the process, so {@link
 * WholeProcess#limitThreads} sets them only while a training step runs.
 */
public final class CpuRuntime {
    private static final Logger log = LoggerFactory.getLogger(CpuRuntime.class);

    private CpuRuntime() {}

    /**
     * Binds the calling thread to a device: pins it to the device's cores where the platform can, and limits its OpenMP
     * teams to as many threads. Call it before the thread's first operation, because the threads of OpenMP teams inherit the
     * cores of the thread that starts them. If it is bound to another device later, they keep them.
     */
    public static void bindCurrentThread(Device device) {
        if (CpuCores.pinnable(device.cores())) {
            BitSet cores = new BitSet();
            device.cores().forEach(cores::set);
            Affinity.setAffinity(cores);
        } else {
            log.debug("Device {}: threads are not pinned, the process may not choose cores here", device.id());
        }
        Nd4j.getEnvironment(); // makes ND4J load its native code, which NativeOpsHolder alone cannot
        NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(device.threads());
    }
}
