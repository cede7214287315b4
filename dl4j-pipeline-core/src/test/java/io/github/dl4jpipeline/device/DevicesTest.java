package io.github.dl4jpipeline.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.exception.DevicesUnavailableException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class DevicesTest {

    @Test
    void oneDevicePerCoreByDefault() {
        Devices devices = Devices.cpu();
        assertThat(devices.size()).isEqualTo(Runtime.getRuntime().availableProcessors());
        assertThat(devices.list()).allSatisfy(device -> {
            assertThat(device.threads()).isEqualTo(1);
            assertThat(device.memoryBytes()).isPositive();
            assertThat(device.relativeSpeed()).isEqualTo(1);
        });
        assertThat(devices.get(0).id()).isEqualTo("cpu-0");
    }

    @Test
    void coreSetsCoverAllCoresOnce() {
        int cores = Runtime.getRuntime().availableProcessors();
        for (int count = 1; count <= cores; count++) {
            List<Integer> all = new ArrayList<>();
            Devices.cpu(count).list().forEach(device -> all.addAll(device.cores()));
            assertThat(all).doesNotHaveDuplicates().hasSize(cores);
        }
    }

    @Test
    void moreDevicesThanCoresShareThem() {
        int cores = Runtime.getRuntime().availableProcessors();
        Devices devices = Devices.cpu(cores + 1);
        assertThat(devices.size()).isEqualTo(cores + 1);
        assertThat(devices.get(cores).cores()).isEqualTo(devices.get(0).cores());
    }

    @Test
    void badDevices() {
        assertThatThrownBy(() -> Devices.cpu(0)).hasMessage("Number of CPU devices must be at least 1, got 0");
        assertThatThrownBy(Devices::of).hasMessageContaining("At least one device");
        Device device = new Device("a", Device.Kind.CPU, List.of(0), 1, 1);
        assertThatThrownBy(() -> Devices.of(device, device)).hasMessageContaining("id a");
        assertThatThrownBy(() -> new Device(" ", Device.Kind.CPU, List.of(0), 1, 1))
                .hasMessageContaining("id");
        assertThatThrownBy(() -> new Device("a", Device.Kind.CPU, List.of(), 1, 1))
                .hasMessageContaining("no cores");
        assertThatThrownBy(() -> new Device("a", Device.Kind.CPU, List.of(0), 0, 1))
                .hasMessageContaining("got 0 B");
        assertThatThrownBy(() -> device.withRelativeSpeed(Double.NaN)).hasMessageContaining("NaN");
    }

    @Test
    void fewerGpusThanAskedFor() {
        assertThat(Devices.gpu(3).list()).extracting(Device::id).containsExactly("device-0", "device-1", "device-2");
        assertThatThrownBy(() -> Devices.gpu(5))
                .isInstanceOf(DevicesUnavailableException.class)
                .hasMessage("Asked for 5 GPUs, but this machine has [device-0, device-1, device-2, device-3]. What runs"
                        + " instead: Devices.gpu(4), or Devices.cpu() with nd4j-native");
    }
}
