package io.github.dl4jpipeline.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.jna.Function;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.TwoThreads;
import java.util.concurrent.atomic.AtomicReference;
import net.openhft.affinity.Affinity;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

class CpuRuntimeTest {

    @Test
    void limitsAreRestoredByTheLastToClose() {
        int before = Nd4j.getEnvironment().maxMasterThreads();
        int blas = Nd4j.factory().blas().getMaxThreads();
        WholeProcess.Limit first = WholeProcess.limitThreads(1);
        assertThat(Nd4j.getEnvironment().maxMasterThreads()).isEqualTo(1);
        WholeProcess.Limit second = WholeProcess.limitThreads(2);
        assertThat(Nd4j.getEnvironment().maxMasterThreads()).isEqualTo(2);
        first.close();
        first.close();
        assertThat(Nd4j.getEnvironment().maxMasterThreads()).isEqualTo(2);
        second.close();
        assertThat(Nd4j.getEnvironment().maxMasterThreads()).isEqualTo(before);
        assertThat(Nd4j.factory().blas().getMaxThreads()).isEqualTo(blas);
    }

    @Test
    void openBlasHasTheLimit() {
        Function threads = BlasThreads.find("openblas_get_num_threads");
        assumeTrue(threads != null, "another BLAS library than OpenBLAS");
        int before = threads.invokeInt(new Object[0]);
        try (WholeProcess.Limit first = WholeProcess.limitThreads(1)) {
            assertThat(threads.invokeInt(new Object[0])).isEqualTo(1);
            try (WholeProcess.Limit second = WholeProcess.limitThreads(2)) {
                assertThat(threads.invokeInt(new Object[0])).isEqualTo(2);
            }
        }
        assertThat(threads.invokeInt(new Object[0])).isEqualTo(before);
    }

    @Test
    void aBoundThreadHasItsDevicesCoresAndThreads() throws InterruptedException {
        Device device = Devices.cpu().get(0);
        assumeTrue(CpuCores.pinnable(device.cores()), "this platform does not let a thread choose its cores");
        AtomicReference<String> found = new AtomicReference<>();
        try (TwoThreads ignored = new TwoThreads()) {
            Thread thread = new Thread(() -> {
                try (TwoThreads ignoredHere = new TwoThreads()) {
                    CpuRuntime.bindCurrentThread(device);
                    found.set(Affinity.getAffinity() + " " + TwoThreads.now());
                }
            });
            thread.start();
            thread.join();
            assertThat(found.get()).isEqualTo("{" + device.cores().get(0) + "} 1");
            assertThat(TwoThreads.now()).isEqualTo(2);
        }
    }
}
