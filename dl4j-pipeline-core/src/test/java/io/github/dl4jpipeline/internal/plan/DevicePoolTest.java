package io.github.dl4jpipeline.internal.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.partition.DeviceGroup;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DevicePoolTest {
    private static Device device(int number, double speed, long memory) {
        return new Device("d" + number, Device.Kind.CPU, List.of(number), memory, speed);
    }

    @Test
    void devicesThatAreAlikeAreAGroup() {
        DevicePool pool =
                new DevicePool(List.of(device(0, 2, 10), device(1, 1, 10), device(2, 2, 10), device(3, 2, 20)));
        assertThat(pool.groups())
                .containsExactly(new DeviceGroup(1, 10, 1), new DeviceGroup(2, 10, 2), new DeviceGroup(2, 20, 1));
    }

    /** Eleven devices apart could be used in 2,048 ways: the two whose speeds are nearest become a group of the weaker. */
    @Test
    void theMostAlikeAreTakenTogetherWhereThereAreTooManyKinds() {
        List<Device> ten = IntStream.range(0, 10)
                .mapToObj(number -> device(number, number == 6 ? 1.1 * (1 << 5) : 1 << number, 100 - number))
                .toList();
        assertThat(new DevicePool(ten).groups()).hasSize(10);
        List<Device> eleven = new ArrayList<>(ten);
        eleven.add(device(10, 1 << 10, 100));
        List<DeviceGroup> groups = new DevicePool(eleven).groups();
        assertThat(groups).hasSize(10).contains(new DeviceGroup(1 << 5, 94, 2));
        assertThat(groups.stream().mapToInt(DeviceGroup::count).sum()).isEqualTo(11);
    }
}
