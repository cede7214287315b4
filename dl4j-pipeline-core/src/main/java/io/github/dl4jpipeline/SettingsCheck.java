package io.github.dl4jpipeline;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.GraphOutline;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.partition.StageAssignment;
import io.github.dl4jpipeline.internal.profile.JointDevice;
import io.github.dl4jpipeline.internal.tiling.TiledRegion;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.tile.Tiling;
import java.util.HashSet;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;
import org.deeplearning4j.nn.graph.ComputationGraph;

/** Refuses settings of a builder that contradict each other, the graph or the machine. */
final class SettingsCheck {
    private final PipelineSettings settings;
    private final VertexGraph vertices;
    private final GraphOutline graph;

    private SettingsCheck(PipelineSettings settings, VertexGraph vertices, GraphOutline graph) {
        this.settings = settings;
        this.vertices = vertices;
        this.graph = graph;
    }

    /** @throws IllegalArgumentException if they do; the message names the setting, its value and what to do */
    static void require(PipelineSettings settings, ComputationGraph graph) {
        VertexGraph vertices = VertexGraph.of(graph);
        SettingsCheck check = new SettingsCheck(settings, vertices, GraphOutline.of(graph));
        GraphProfile profile = settings.profile();
        if (profile != null) {
            check.requireOfGraph(
                    "profile",
                    VertexCost.outline(profile.vertices()),
                    "take one of this graph with GraphProfiler.profile");
        }
        PartitionPlan plan = settings.plan();
        if (plan != null) {
            StageAssignment.of(plan, check.vertices);
            plan.graph()
                    .ifPresent(outline -> check.requireOfGraph(
                            "plan", outline, "make one for this graph with Planner.plan and its own profile"));
            check.requireAsAskedFor(plan);
        } else {
            check.requireEnoughVertices();
            check.requireStagesBesideTiles(graph);
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

    // ---- The graph ----

    private void requireOfGraph(String setting, GraphOutline outline, String remedy) {
        outline.differenceFrom(graph).ifPresent(difference -> {
            throw new IllegalArgumentException("The " + setting + " is of another graph: " + difference + "; leave "
                    + setting + " out, or " + remedy);
        });
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

    /** The tiled vertices are in one stage, the others in as many as there are of them. */
    private void requireStagesBesideTiles(ComputationGraph graph) {
        settings.tiling().filter(asked -> settings.memory().sharesTiles()).ifPresent(asked -> {
            TiledRegion region = TiledRegion.of(graph, asked);
            long most = 1
                    + vertices.vertices().stream()
                            .filter(vertex -> vertex.role() != Vertex.Role.INPUT)
                            .filter(vertex -> !region.tiled().contains(vertex.position()))
                            .count();
            int stages = settings.asked().stages().orElse(1);
            if (stages > most) {
                throw new IllegalArgumentException("stages(" + stages + ") contradicts tiling(" + asked
                        + "), whose vertices are in one stage, beside " + (most - 1) + " others; ask for " + most
                        + " stages or fewer, or tile fewer vertices");
            }
        });
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
