package io.github.dl4jpipeline.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.sun.jna.Memory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NativeHeapTest {
    private static final Path THREAD = Path.of("/proc/thread-self/stat");
    private static final int BYTES = 40 << 20;
    private static final int PAGE = 4096;

    /** So far, of this thread: pages that it was the first to touch. */
    private static long faults() throws IOException {
        String stat = Files.readString(THREAD);
        return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[7]);
    }

    private static void use() {
        try (Memory block = new Memory(BYTES)) {
            block.clear();
        }
    }

    private static long faultsOfUse() throws IOException {
        long before = faults();
        use();
        return faults() - before;
    }

    /** Of the median: a thread that allocates in the same heap may now and then take the place of a block that was freed. */
    private static long usualFaultsOfUse() throws IOException {
        long[] faults = new long[11];
        for (int i = 0; i < faults.length; i++) {
            faults[i] = faultsOfUse();
        }
        Arrays.sort(faults);
        return faults[faults.length / 2];
    }

    @Test
    void aBlockThatIsFreedIsUsedAgain() throws IOException {
        assumeThat(THREAD).as("Linux says how many pages a thread was given").exists();
        assumeThat(NativeHeap.isSetByUser(System.getenv()))
                .as("set by the user")
                .isFalse();
        NativeHeap.keepFreed();
        assertThat(usualFaultsOfUse()).isLessThan(BYTES / PAGE / 10);
    }

    @Test
    void whatIsGivenBackIsFaultedInAgain() throws IOException {
        assumeThat(THREAD).as("Linux says how many pages a thread was given").exists();
        assumeThat(NativeHeap.isSetByUser(System.getenv()))
                .as("set by the user")
                .isFalse();
        NativeHeap.keepFreed();
        use();
        NativeHeap.giveBack(NativeHeapTest::use);
        assertThat(faultsOfUse()).isGreaterThan(BYTES / PAGE / 2);
        assertThat(usualFaultsOfUse()).as("kept again").isLessThan(BYTES / PAGE / 10);
    }

    @Test
    void theEnvironmentComesFirst() {
        assertThat(NativeHeap.isSetByUser(Map.of("PATH", "/bin"))).isFalse();
        assertThat(NativeHeap.isSetByUser(Map.of("MALLOC_TOP_PAD_", "0"))).isTrue();
        assertThat(NativeHeap.isSetByUser(Map.of("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")))
                .isTrue();
        assertThat(NativeHeap.isSetByUser(Map.of("GLIBC_TUNABLES", "glibc.cpu.x86_shstk=on")))
                .isFalse();
    }
}
