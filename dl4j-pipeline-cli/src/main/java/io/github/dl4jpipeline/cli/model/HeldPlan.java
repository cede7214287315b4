package io.github.dl4jpipeline.cli.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import io.github.dl4jpipeline.cli.io.Json;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.file.ModelArchive;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.GraphProfile;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * How a run is trained, so that another goes on bit for bit alike: nothing is profiled and planned again.
 *
 * @param plan the plan
 * @param profile it says which code vertices are run with; empty for the usual code
 * @param kernels with which code layers are run
 * @param options the options that the plan was made for, with their values
 */
public record HeldPlan(
        PartitionPlan plan, Optional<GraphProfile> profile, Kernels kernels, Map<String, String> options) {
    private static final String PLAN = "dl4j-pipeline-plan.json";
    private static final String PROFILE = "dl4j-pipeline-profile.json";
    private static final String OPTIONS = "dl4j-pipeline-options.json";
    private static final String KERNELS = "--kernels";
    private static final int LARGEST = 64 << 20;

    /** Names of entries of a file that holds such a plan. */
    public static final Set<String> ENTRIES = Set.of(PLAN, PROFILE, OPTIONS);

    /** The plan as entries of a file. */
    public Map<String, byte[]> entries() {
        Map<String, String> all = new LinkedHashMap<>(options);
        all.put(KERNELS, nameOf(kernels));
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put(PLAN, bytes(plan.toJson()));
        profile.ifPresent(made -> entries.put(PROFILE, bytes(made.toJson())));
        try {
            entries.put(OPTIONS, Json.MAPPER.writeValueAsBytes(all));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // a map of texts
        }
        return entries;
    }

    /**
     * Reads a plan from a file.
     *
     * @param name of the file, for errors
     * @throws IllegalArgumentException if it holds none; the message names the file
     */
    public static HeldPlan of(ModelArchive archive, String name) {
        Optional<GraphProfile> profile = archive.entry(PROFILE, LARGEST)
                .map(json ->
                        GraphProfile.fromJson(name + ", entry " + PROFILE, new String(json, StandardCharsets.UTF_8)));
        Map<String, String> options = options(name, archive.requireText(OPTIONS, LARGEST));
        return new HeldPlan(plan(name, archive.requireText(PLAN, LARGEST)), profile, kernels(name, options), options);
    }

    private static PartitionPlan plan(String name, String json) {
        try {
            return PartitionPlan.fromJson(json);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(name + ", entry " + PLAN + ": " + e.getMessage(), e);
        }
    }

    private static Kernels kernels(String name, Map<String, String> options) {
        return Arrays.stream(Kernels.values())
                .filter(kernels -> nameOf(kernels).equals(options.get(KERNELS)))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        name + ", entry " + OPTIONS + ": no " + KERNELS + " '" + options.get(KERNELS) + "'"));
    }

    private static Map<String, String> options(String name, String json) {
        try {
            Map<String, String> options = Json.MAPPER.readValue(json, new TypeReference<Map<String, String>>() {});
            if (options != null && options.values().stream().allMatch(Objects::nonNull)) {
                return options;
            }
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(name + ", entry " + OPTIONS + ": " + e.getOriginalMessage(), e);
        }
        throw new IllegalArgumentException(name + ", entry " + OPTIONS + ": an option has no value");
    }

    /**
     * Why it cannot be used, in words; empty if it can.
     *
     * @param given the options of a run, with their values
     * @param devices those that there are
     */
    public Optional<String> reasonAgainst(Map<String, String> given, Devices devices) {
        Map<String, String> kept = kept();
        for (Map.Entry<String, String> option : given.entrySet()) {
            String value = option.getValue();
            String before = options.get(option.getKey());
            if (!value.equals(before) && !value.equals(kept.get(option.getKey()))) {
                return Optional.of(option.getKey() + " is " + value + ", and was "
                        + kept.getOrDefault(option.getKey(), before == null ? "not given" : before));
            }
        }
        Set<Integer> cores = new HashSet<>();
        Set<String> gpus = new HashSet<>();
        for (Device device : devices.list()) {
            cores.addAll(device.cores());
            if (device.kind() == Device.Kind.GPU) {
                gpus.add(device.id());
            }
        }
        return plan.devices().list().stream()
                .filter(device -> device.kind() == Device.Kind.GPU
                        ? !gpus.contains(device.id())
                        : !gpus.isEmpty() || !cores.containsAll(device.cores()))
                .findFirst()
                .map(device -> "its device " + device.id() + " is not among the devices of this run");
    }

    /** The values that its options have, as far as the plan says. */
    private Map<String, String> kept() {
        Map<String, String> kept = new LinkedHashMap<>();
        kept.put("--stages", String.valueOf(plan.stages().size()));
        kept.put("--micro-batches", String.valueOf(plan.microBatches()));
        kept.put("--schedule", plan.schedule().name());
        kept.put(KERNELS, nameOf(kernels));
        Set<Integer> replicas =
                new HashSet<>(plan.stages().stream().map(Stage::replicas).toList());
        if (replicas.size() == 1) {
            kept.put("--replicas", String.valueOf(replicas.iterator().next()));
        }
        return kept;
    }

    static String nameOf(Kernels kernels) {
        return kernels.name().toLowerCase(Locale.ROOT);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
