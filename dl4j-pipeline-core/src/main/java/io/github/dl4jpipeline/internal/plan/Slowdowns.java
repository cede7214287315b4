package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * How many times slower than profiled devices are at present; another process may have taken a core.
 *
 * @param byDevice by device id, above 1; devices that are not named are as fast as profiled
 */
public record Slowdowns(Map<String, Double> byDevice) {
    public static final Slowdowns NONE = new Slowdowns(Map.of());

    /** Less is noise. */
    private static final double LEAST = 1.3;

    /** Factors are rounded to this part of a doubling, so that devices that are about as slow count as alike. */
    private static final double STEPS_PER_DOUBLING = 4;

    public Slowdowns {
        byDevice = Map.copyOf(byDevice);
    }

    /** Slowdowns by device relative to the fastest, without noise. */
    public static Slowdowns of(Map<String, Double> measured, Devices devices) {
        double least = Double.POSITIVE_INFINITY;
        for (Device device : devices.list()) {
            least = Math.min(least, measured.getOrDefault(device.id(), 1.0));
        }
        Map<String, Double> clear = new HashMap<>();
        for (Map.Entry<String, Double> entry : measured.entrySet()) {
            double factor = entry.getValue() / least;
            if (factor >= LEAST) {
                double doublings = Math.log(factor) / Math.log(2);
                clear.put(entry.getKey(), Math.pow(2, Math.rint(doublings * STEPS_PER_DOUBLING) / STEPS_PER_DOUBLING));
            }
        }
        return new Slowdowns(clear);
    }

    double of(Device device) {
        return byDevice.getOrDefault(device.id(), 1.0);
    }

    /** Whether a device's slowdown clearly differs. */
    boolean differsFrom(Slowdowns other, List<Device> devices) {
        return devices.stream()
                .anyMatch(device -> Math.max(of(device) / other.of(device), other.of(device) / of(device)) >= LEAST);
    }

    Device applyTo(Device device) {
        return device.withRelativeSpeed(device.relativeSpeed() / of(device));
    }

    Devices applyTo(Devices devices) {
        return new Devices(devices.list().stream().map(this::applyTo).toList());
    }

    /** All cores as one device: an operation waits for the slowest. */
    Device applyTo(Device joint, Devices devices) {
        double slowest = byDevice.getOrDefault(
                joint.id(), devices.list().stream().mapToDouble(this::of).max().orElse(1));
        return joint.withRelativeSpeed(joint.relativeSpeed() / slowest);
    }

    /** As part of a sentence. */
    @Override
    public String toString() {
        return byDevice.isEmpty()
                ? "all devices are as fast as profiled"
                : byDevice.entrySet().stream()
                        .sorted(Map.Entry.comparingByKey())
                        .map(entry -> String.format(
                                Locale.ROOT,
                                "device %s is %.1f times slower than profiled",
                                entry.getKey(),
                                entry.getValue()))
                        .collect(Collectors.joining(", "));
    }
}
