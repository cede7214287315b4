package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.partition.DeviceGroup;
import io.github.dl4jpipeline.internal.partition.Partition;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Devices in groups of alike ones, and which of them the stages of a partition get. */
final class DevicePool {
    /** The search takes time in proportion to the ways to use the devices. */
    private static final int MOST_USES = 2_000;

    private final List<List<Device>> groups = new ArrayList<>();

    DevicePool(List<Device> devices) {
        List<Device> bySpeed = new ArrayList<>(devices);
        bySpeed.sort(Comparator.comparingDouble(Device::relativeSpeed).thenComparingLong(Device::memoryBytes));
        for (Device device : bySpeed) {
            List<Device> last = groups.isEmpty() ? null : groups.get(groups.size() - 1);
            if (last == null || !alike(last.get(0), device)) {
                groups.add(new ArrayList<>(List.of(device)));
            } else {
                last.add(device);
            }
        }
        while (groups.stream().mapToDouble(group -> group.size() + 1.0).reduce(1, (a, b) -> a * b) > MOST_USES) {
            mergeMostAlike();
        }
    }

    private static boolean alike(Device first, Device second) {
        return first.relativeSpeed() == second.relativeSpeed() && first.memoryBytes() == second.memoryBytes();
    }

    private void mergeMostAlike() {
        int nearest = 1;
        for (int group = 2; group < groups.size(); group++) {
            if (ratio(group) < ratio(nearest)) {
                nearest = group;
            }
        }
        groups.get(nearest - 1).addAll(groups.remove(nearest));
    }

    private double ratio(int group) {
        return groups.get(group).get(0).relativeSpeed()
                / groups.get(group - 1).get(0).relativeSpeed();
    }

    /** The groups; a group of devices that are not quite alike is as slow and small as its weakest. */
    List<DeviceGroup> groups() {
        return groups.stream()
                .map(group -> new DeviceGroup(
                        group.stream().mapToDouble(Device::relativeSpeed).min().orElseThrow(),
                        group.stream().mapToLong(Device::memoryBytes).min().orElseThrow(),
                        group.size()))
                .toList();
    }

    /** For each part the devices of its replicas. */
    List<List<Device>> assign(Partition partition) {
        int[] used = new int[groups.size()];
        List<List<Device>> places = new ArrayList<>();
        for (Partition.Part part : partition.parts()) {
            int from = used[part.group()];
            used[part.group()] += part.replicas();
            places.add(groups.get(part.group()).subList(from, from + part.replicas()));
        }
        return places;
    }
}
