package io.github.dl4jpipeline.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.device.DeviceRuntimes;
import org.junit.jupiter.api.Test;

/** What the tests on GPUs check, on cores, where it is known to hold: shows that the checks themselves are right. */
class GpuChecksOnCpuTest {
    private final Devices devices = Devices.cpu(2);

    @Test
    void copies() {
        new CopyCheck(DeviceRuntimes.of(Device.Kind.CPU), devices.get(0), devices.get(1)).run();
    }

    @Test
    void sameResult() {
        TrainingCheck.sameResult(devices);
    }

    @Test
    void networks() {
        assertThat(TestNetworks.alexNet().numParams()).isEqualTo(14_859_082);
        assertThat(TestNetworks.vgg16().numParams()).isEqualTo(33_638_218);
    }
}
