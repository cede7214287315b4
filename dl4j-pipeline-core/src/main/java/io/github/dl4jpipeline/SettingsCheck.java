package io.github.dl4jpipeline;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.execute.StageAssignment;
import io.github.dl4jpipeline.internal.graph.Vertex;
import io.github.dl4jpipeline.internal.graph.VertexGraph;
import io.github.dl4jpipeline.internal.profile.JointDevice;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.tile.Tiling;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.graph.ComputationGraph;

/** Refuses settings of a builder that contradict each other, the graph or the machine. */
final class SettingsCheck {
    private final PipelineSettings settings;
    private final VertexGraph vertices;

    private SettingsCheck(PipelineSettings settings, VertexGraph vertices) {
        this.settings = settings;
        this.vertices = vertices;
    }

    /** @throws IllegalArgumentException if they do; the message names the setting, its value and what to do */
    static void require(PipelineSettings settings, ComputationGraph graph) {
        SettingsCheck check = new SettingsCheck(settings, VertexGraph.of(graph));
        GraphProfile profile = settings.profile();
        if (profile != null) {
            check.requireOfGraph(profile, graph.getConfiguration().getDataType().width());
        }
        PartitionPlan plan = settings.plan();
        if (plan != null) {
            StageAssignment.check(plan, check.vertices);
            check.requireAsAskedFor(plan);
        } else {
            check.requireEnoughVertices();
            check.requireWorkForReplicas();
            check.requireCores();
        }
    }

    // ---- A plan ----

    private void requireAsAskedFor(PartitionPlan plan) {
        requireSame("stages", settings.asked().stages(), "stages", plan.stages().size());
        requireSame("microBatches", settings.asked().microBatches(), "micro-batches", plan.microBatches());
        for (Stage stage : plan.stages()) {
            requireSame("replicas", settings.asked().replicas(), "replicas of a stage", stage.replicas());
        }
        if (settings.devicesGiven()) {
            requireDevices(plan, settings.devices());
        }
        settings.asked().recompute().ifPresent(asked -> requireRecompute(plan, asked));
        settings.tiling().ifPresent(asked -> requireTiling(plan, asked));
        settings.asked().deadline().ifPresent(deadline -> {
            if (plan.latestExecutionTime().compareTo(deadline) > 0) {
                throw new IllegalArgumentException(String.format(
                        Locale.ROOT,
                        "The plan's latest execution time is %.1f ms, after the deadline of %.1f ms; use another plan, or"
                                + " allow more time",
                        plan.latestExecutionTime().toNanos() / 1e6,
                        deadline.toNanos() / 1e6));
            }
        });
    }

    private static void requireSame(String setting, OptionalInt asked, String what, int planned) {
        if (asked.isPresent() && asked.getAsInt() != planned) {
            throw contradiction(setting + "(" + asked.getAsInt() + ")", planned + " " + what, setting);
        }
    }

    private static IllegalArgumentException contradiction(String setting, String ofPlan, String name) {
        return new IllegalArgumentException(setting + " contradicts the plan, which has " + ofPlan + "; leave " + name
                + " out, or give a plan that was made for it");
    }

    private static void requireDevices(PartitionPlan plan, Devices given) {
        Set<String> places = new HashSet<>();
        given.list().forEach(device -> places.add(place(device)));
        places.add(place(JointDevice.of(given)));
        for (Device planned : plan.devices().list()) {
            if (!places.contains(place(planned))) {
                throw contradiction(
                        "devices("
                                + given.list().stream()
                                        .map(SettingsCheck::place)
                                        .toList() + ")",
                        "a stage on " + place(planned),
                        "devices");
            }
        }
    }

    private static String place(Device device) {
        return device.id() + (device.cores().isEmpty() ? "" : " with cores " + device.cores());
    }

    private static void requireRecompute(PartitionPlan plan, boolean asked) {
        boolean any = plan.stages().stream().anyMatch(Stage::recompute);
        boolean mayMatter = plan.stages().size() > 1 && plan.microBatches() > 1;
        if (any && !asked) {
            throw contradiction("recompute(false)", "stages that compute activations again", "recompute");
        }
        if (!any && asked && mayMatter) {
            throw contradiction("recompute(true)", "no stage that computes activations again", "recompute");
        }
    }

    private static void requireTiling(PartitionPlan plan, Tiling asked) {
        plan.tiling().filter(planned -> !planned.equals(asked)).ifPresent(planned -> {
            throw contradiction("tiling(" + asked + ")", "tiles of its own (" + planned + ")", "tiling");
        });
    }

    // ---- A profile ----

    private void requireOfGraph(GraphProfile profile, int bytesOfElement) {
        Map<String, VertexCost> costs =
                profile.vertices().stream().collect(Collectors.toMap(VertexCost::vertex, Function.identity()));
        Set<String> unknown = new HashSet<>(costs.keySet());
        vertices.names().forEach(unknown::remove);
        if (!unknown.isEmpty()) {
            throw ofAnotherGraph("it has vertices " + unknown.stream().sorted().toList() + ", which the graph has not");
        }
        // Made-up profiles may give network inputs parameters; measured ones do not, and have the graph's sizes.
        boolean measured = vertices.vertices().stream()
                .filter(vertex -> vertex.role() == Vertex.Role.INPUT)
                .map(vertex -> costs.get(vertex.name()))
                .allMatch(cost -> cost == null || cost.parameterBytes() == 0);
        for (Vertex vertex : vertices.vertices()) {
            VertexCost cost = costs.get(vertex.name());
            if (cost == null) {
                throw ofAnotherGraph("it has no vertex '" + vertex.name() + "'");
            }
            List<String> inputs = vertex.inputs().stream()
                    .map(input -> vertices.get(input).name())
                    .toList();
            if (!cost.inputs().equals(inputs)) {
                throw ofAnotherGraph("vertex '" + vertex.name() + "' reads " + cost.inputs() + " in it, and " + inputs
                        + " in the graph");
            }
            long bytes = vertex.parameters() * bytesOfElement;
            if (measured && cost.parameterBytes() != bytes) {
                throw ofAnotherGraph("vertex '" + vertex.name() + "' has " + cost.parameterBytes()
                        + " bytes of parameters in it, and " + bytes + " in the graph");
            }
        }
    }

    private static IllegalArgumentException ofAnotherGraph(String difference) {
        return new IllegalArgumentException("The profile is of another graph: " + difference
                + "; leave profile out, or take one of this graph with GraphProfiler.profile");
    }

    // ---- What a planner shall find ----

    private void requireEnoughVertices() {
        long most = vertices.vertices().stream()
                .filter(vertex -> vertex.role() != Vertex.Role.INPUT)
                .count();
        int stages = settings.asked().stages().orElse(1);
        if (stages > most) {
            throw new IllegalArgumentException("stages(" + stages + "): cannot cut " + most + " vertices into " + stages
                    + " stages; ask for " + most + " or fewer, or leave stages out");
        }
    }

    private void requireWorkForReplicas() {
        int replicas = settings.asked().replicas().orElse(1);
        int microBatches = settings.asked().microBatches().orElse(replicas);
        if (replicas > microBatches) {
            throw new IllegalArgumentException(
                    "replicas(" + replicas + ") share the micro-batches of a stage, but microBatches(" + microBatches
                            + ") leaves some without any; ask for at least as many micro-batches, or fewer replicas");
        }
    }

    private void requireCores() {
        Devices devices = settings.devices();
        int workers = settings.asked().stages().orElse(1)
                * settings.asked().replicas().orElse(1);
        if (workers < devices.size() && settings.tiling().isEmpty() && devices.shareCores()) {
            throw new IllegalArgumentException("devices: " + devices.size() + " devices share the cores of fewer ("
                    + devices.list().stream().map(SettingsCheck::place).toList()
                    + "), so a plan that counts on all of them"
                    + " would be wrong; use Devices.cpu(), which takes one for each core, or ask for " + devices.size()
                    + " stages");
        }
    }
}
