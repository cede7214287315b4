package io.github.dl4jpipeline.ui;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jpipeline.PipelineListener.PlanChanged;
import io.github.dl4jpipeline.PipelineListener.PlanChosen;
import io.github.dl4jpipeline.PipelineListener.StepDone;
import io.github.dl4jpipeline.PipelineListener.TrainingFailed;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.MeasuredPlan;
import io.github.dl4jpipeline.profile.ProfilingProgress;
import io.github.dl4jpipeline.report.RunSettings;
import io.github.dl4jpipeline.report.StepTimeline;
import io.github.dl4jpipeline.schedule.Timeline;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** What the page shows of the present: the plan, how it came about, and the last step. It does not grow with the steps. */
final class RunState {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** How many tasks or transfers of a step are sent at most, so that a page stays quick. */
    private static final int MOST_SPANS = 2000;

    /** How many changes of the plan are kept. */
    private static final int MOST_CHANGES = 50;

    private final ObjectNode state = MAPPER.createObjectNode();

    RunState() {
        state.putArray("changes");
        state.put("phase", "before the first step");
        put("machine", RunSettings.ofThisProcess());
    }

    private void put(String name, Map<String, String> settings) {
        ObjectNode shown = state.putObject(name);
        settings.forEach(shown::put);
    }

    String json() {
        try {
            return MAPPER.writeValueAsString(state);
        } catch (JsonProcessingException e) {
            throw new AssertionError("numbers and text", e);
        }
    }

    void profiling(ProfilingProgress progress) {
        state.put("phase", String.format(Locale.ROOT, "profiling, %.0f %%", 100 * progress.share()));
    }

    void chosen(PlanChosen event) {
        state.put("phase", "training");
        plan(event.plan());
        change(0, "first", event.candidates().size() > 1 ? "plans take turns in the first steps" : "", event.plan());
    }

    void changed(PlanChanged event) {
        plan(event.plan());
        change(event.step(), event.cause().name().toLowerCase(Locale.ROOT), event.reason(), event.plan());
        ArrayNode measured = state.putArray("measured");
        for (MeasuredPlan tried : event.measured()) {
            measured.addObject()
                    .put("plan", tried.plan().summary())
                    .put("steps", tried.steps())
                    .put("millis", tried.stepMillis())
                    .put("predictedMillis", millis(tried.plan()));
        }
    }

    void failed(TrainingFailed event) {
        state.put("phase", "failed: " + event.failure());
    }

    void ended() {
        if ("training".equals(state.path("phase").asText())) {
            state.put("phase", "ended");
        }
    }

    private void plan(PartitionPlan plan) {
        state.put("plan", plan.summary());
        state.put("explain", plan.explain());
        put("settings", RunSettings.ofPlan(plan));
        state.put("predictedMillis", millis(plan));
        state.put("predictedBubble", plan.bubble());
    }

    private static double millis(PartitionPlan plan) {
        return plan.predictedStepTime().toNanos() / 1e6;
    }

    private void change(long step, String cause, String reason, PartitionPlan plan) {
        ArrayNode changes = (ArrayNode) state.get("changes");
        if (changes.size() == MOST_CHANGES) {
            changes.remove(1); // the first plan stays
        }
        changes.addObject()
                .put("step", step)
                .put("cause", cause)
                .put("reason", reason)
                .put("plan", plan.summary());
    }

    void step(StepDone event) {
        if (!event.plan().summary().equals(state.path("plan").asText())) {
            plan(event.plan());
        }
        state.put("phase", "training");
        ObjectNode step = state.putObject("step");
        step.put("number", event.step());
        step.put("iteration", event.iteration());
        step.put("epoch", event.epoch());
        step.put("examples", event.examples());
        step.put("score", event.score());
        step.put("millis", event.stepMillis());
        step.put("wholeMillis", event.wholeMillis());
        step.put("chosen", event.chosen());
        stages(step.putArray("stages"), event);
        event.timeline().ifPresent(timeline -> timeline(step, event.plan(), timeline));
    }

    private static void stages(ArrayNode stages, StepDone event) {
        List<Stage> planned = event.plan().stages();
        for (int i = 0; i < planned.size(); i++) {
            Stage stage = planned.get(i);
            stages.addObject()
                    .put("devices", stage.devices().stream().map(Device::id).collect(Collectors.joining(", ")))
                    .put("vertices", stage.vertices().size())
                    .put("busyMillis", event.stages().get(i).busyMillis())
                    .put(
                            "predictedMillis",
                            (stage.forwardMillis() + stage.backwardMillis())
                                    * event.plan().microBatches()
                                    / stage.replicas())
                    .put("memoryBytes", event.stages().get(i).memoryBytes())
                    .put("predictedBytes", stage.memoryBytes());
        }
    }

    private static void timeline(ObjectNode step, PartitionPlan plan, StepTimeline timeline) {
        Timeline tasks = timeline.tasks();
        Workers workers = tasks.workers();
        double[] busy = new double[workers.count()];
        ArrayNode spans = step.putArray("tasks");
        for (Timeline.Span span : tasks.spans()) {
            busy[span.worker()] += span.endMillis() - span.startMillis();
            if (spans.size() < MOST_SPANS) {
                spans.addArray()
                        .add(span.worker())
                        .add(span.task().pass().name())
                        .add(span.task().stage())
                        .add(span.task().microBatch())
                        .add(rounded(span.startMillis()))
                        .add(rounded(span.endMillis()));
            }
        }
        ArrayNode names = step.putArray("workers");
        for (int worker = 0; worker < busy.length; worker++) {
            names.addObject().put("name", name(plan, workers, worker)).put("busyMillis", busy[worker]);
        }
        ArrayNode transfers = step.putArray("transfers");
        timeline.transfers().stream().limit(MOST_SPANS).forEach(transfer -> transfers
                .addArray()
                .add(transfer.route().kind() + ", " + transfer.route().from() + " to "
                        + transfer.route().to())
                .add(transfer.what())
                .add(transfer.bytes())
                .add(rounded(transfer.startMillis()))
                .add(rounded(transfer.endMillis())));
        step.put("spanMillis", tasks.makespanMillis());
        step.put("bubble", tasks.bubble());
        step.put("left", Math.max(0, tasks.spans().size() - MOST_SPANS));
    }

    private static String name(PartitionPlan plan, Workers workers, int worker) {
        List<Integer> stages = workers.stagesOf(worker);
        int replica = worker - workers.worker(stages.get(0), 0);
        return "stage " + stages.stream().map(String::valueOf).collect(Collectors.joining(", ")) + " on "
                + plan.stages().get(stages.get(0)).devices().get(replica).id();
    }

    /** To a microsecond. */
    private static double rounded(double millis) {
        return Math.round(millis * 1e3) / 1e3;
    }
}
