package io.github.dl4jpipeline.benchmarks;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import javax.management.JMException;
import javax.management.ObjectName;
import org.bytedeco.javacpp.Pointer;

/**
 * What a process holds when its garbage has been collected.
 *
 * @param resident physical memory, in bytes
 * @param trimmed physical memory after the C library has given back what it keeps for later, in bytes
 * @param pointers of it, what JavaCPP counts as allocated, in bytes; the arrays of ND4J are not among them
 * @param virtualMachine of it, what the virtual machine uses beside the heap (classes, compiled code), in bytes
 */
record MemoryReading(long resident, long trimmed, long pointers, long virtualMachine) {
    private static final int MOST_COLLECTIONS = 30;
    private static final int QUIET_COLLECTIONS = 4;
    private static final long NATIVE_FREES_MILLIS = 500;
    private static final long SETTLED_BYTES = 1_000_000;

    /**
     * Collects until memory no longer falls. ND4J's own threads free the arrays of collected objects after a collection has ended, one by
     * one.
     */
    static MemoryReading settled() throws InterruptedException {
        long least = Long.MAX_VALUE;
        int quiet = 0;
        for (int i = 0; i < MOST_COLLECTIONS && quiet < QUIET_COLLECTIONS; i++) {
            long now = collected();
            quiet = least - now > SETTLED_BYTES ? 0 : quiet + 1;
            least = Math.min(least, now);
        }
        trim();
        return new MemoryReading(least, ResidentMemory.bytes(), Pointer.totalBytes(), beside());
    }

    private static long collected() throws InterruptedException {
        System.gc();
        Thread.sleep(NATIVE_FREES_MILLIS);
        return ResidentMemory.bytes();
    }

    /** As {@code jcmd … System.trim_native_heap} does. Virtual machines without that command keep what they keep. */
    private static void trim() {
        try {
            ManagementFactory.getPlatformMBeanServer()
                    .invoke(
                            new ObjectName("com.sun.management:type=DiagnosticCommand"),
                            "systemTrimNativeHeap",
                            new Object[0],
                            new String[0]);
        } catch (JMException e) {
            System.out.println("The C library's memory is not trimmed: " + e);
        }
    }

    private static long beside() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.NON_HEAP)
                .map(MemoryPoolMXBean::getUsage)
                .mapToLong(usage -> usage.getUsed())
                .sum();
    }
}
