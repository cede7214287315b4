package io.github.dl4jpipeline.internal.device;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.stream.IntStream;
import net.openhft.affinity.Affinity;

/** The cores and the memory that the operating system and the container grant this process. */
public final class CpuCores {
    private CpuCores() {}

    /**
     * Whether threads may be pinned: the affinity mask has to name exactly the processors that the JVM counts. Under a
     * CPU quota it names more, and pinning would choose cores that others are busy on.
     */
    private static final boolean PINNABLE = Affinity.getAffinityImpl() != null
            && Affinity.getAffinity().cardinality() == Runtime.getRuntime().availableProcessors();

    private static final List<Integer> OF_THIS_PROCESS = PINNABLE
            ? Affinity.getAffinity().stream().boxed().toList()
            : IntStream.range(0, Runtime.getRuntime().availableProcessors())
                    .boxed()
                    .toList();

    public static List<Integer> ofThisProcess() {
        return OF_THIS_PROCESS;
    }

    /** Whether a thread can be pinned to these cores. */
    static boolean pinnable(List<Integer> cores) {
        return PINNABLE && OF_THIS_PROCESS.containsAll(cores);
    }

    public static long memoryBytes() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    }
}
