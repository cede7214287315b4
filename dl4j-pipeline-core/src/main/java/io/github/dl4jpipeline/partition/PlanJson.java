package io.github.dl4jpipeline.partition;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jpipeline.graph.GraphOutline;
import io.github.dl4jpipeline.internal.file.TextFile;
import io.github.dl4jpipeline.schedule.Schedules;
import io.github.dl4jpipeline.tile.Tiling;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** A plan as JSON: times in nanoseconds, tiling as a list with at most one. The oldest have no graph, and no groups. */
record PlanJson(
        List<Stage> stages,
        int microBatches,
        int examples,
        String schedule,
        long predictedStepNanos,
        long latestExecutionNanos,
        long oneDeviceNanos,
        double bubble,
        List<Tiling> tiling,
        List<OtherKind> alternatives,
        List<String> notes,
        List<GraphOutline.Part> graph) {

    static final String KIND = "plan";

    private static final String GRAPH = "graph";
    private static final String STAGES = "stages";
    private static final String GROUPED = "grouped";

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .defaultSetterInfo(JsonSetter.Value.forContentNulls(Nulls.FAIL))
            .build();

    /** An {@link Alternative}. */
    record OtherKind(String kind, int stages, int workers, int microBatches, long predictedStepNanos) {}

    static String write(PartitionPlan plan) {
        Schedules.named(plan.schedule().name()); // a file has only the name
        PlanJson json = new PlanJson(
                plan.stages(),
                plan.microBatches(),
                plan.examples(),
                plan.schedule().name(),
                plan.predictedStepTime().toNanos(),
                plan.latestExecutionTime().toNanos(),
                plan.oneDeviceTime().toNanos(),
                plan.bubble(),
                plan.tiling().stream().toList(),
                plan.alternatives().stream()
                        .map(other -> new OtherKind(
                                other.kind(),
                                other.stages(),
                                other.workers(),
                                other.microBatches(),
                                other.predictedStepTime().toNanos()))
                        .toList(),
                plan.notes(),
                plan.graph().map(GraphOutline::vertices).orElse(List.of()));
        try {
            return JSON.writeValueAsString(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // records of numbers and texts
        }
    }

    /** @param name where it is from, for errors */
    static PartitionPlan read(String name, String text) {
        try {
            JsonNode tree = JSON.readTree(text);
            if (tree instanceof ObjectNode object && !object.has(GRAPH)) {
                object.putArray(GRAPH);
            }
            tree.path(STAGES).forEach(stage -> {
                if (stage instanceof ObjectNode object && !object.has(GROUPED)) {
                    object.put(GROUPED, 1);
                }
            });
            PlanJson json = JSON.treeToValue(tree, PlanJson.class);
            if (json == null) {
                throw new IllegalArgumentException("it holds null");
            }
            return json.plan();
        } catch (JsonProcessingException e) {
            throw TextFile.not(KIND, name, e.getOriginalMessage(), e);
        } catch (IllegalArgumentException e) {
            throw TextFile.not(KIND, name, e.getMessage(), e);
        }
    }

    private PartitionPlan plan() {
        return new PartitionPlan(
                stages,
                microBatches,
                Schedules.named(schedule),
                tiling.stream().findFirst(),
                new Prediction(
                        examples,
                        Duration.ofNanos(predictedStepNanos),
                        Duration.ofNanos(latestExecutionNanos),
                        Duration.ofNanos(oneDeviceNanos),
                        bubble),
                new PlanContext(
                        alternatives.stream()
                                .map(other -> new Alternative(
                                        other.kind(),
                                        other.stages(),
                                        other.workers(),
                                        other.microBatches(),
                                        Duration.ofNanos(other.predictedStepNanos())))
                                .toList(),
                        notes,
                        graph.isEmpty() ? Optional.empty() : Optional.of(new GraphOutline(graph))));
    }
}
