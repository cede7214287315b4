package io.github.dl4jpipeline.internal.device;

import com.sun.management.OperatingSystemMXBean;
import io.github.dl4jpipeline.device.Device;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
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

    /** The cores split into sets that differ by at most one core; with more sets than cores, some share one. */
    public static List<Device> devices(int count) {
        List<Integer> cores = OF_THIS_PROCESS;
        long memory = memoryBytes() / count;
        List<Device> devices = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            List<Integer> own = count <= cores.size()
                    ? cores.subList(cores.size() * i / count, cores.size() * (i + 1) / count)
                    : List.of(cores.get(i % cores.size()));
            devices.add(new Device("cpu-" + i, Device.Kind.CPU, own, memory, 1.0));
        }
        return devices;
    }

    private static long memoryBytes() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    }
}
