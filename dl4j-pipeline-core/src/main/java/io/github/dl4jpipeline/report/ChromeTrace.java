package io.github.dl4jpipeline.report;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Timeline;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes steps as Chrome trace events, which Perfetto and chrome://tracing read [Google, "Trace Event Format", 2016]. Times are in
 * microseconds from the beginning of the pipeline's first step.
 *
 * <p>Rows are the steps, then workers, then routes of transfers. Arrows go from the task that has computed an activation or error to the
 * task of the next stage that reads it. Counters show for each stage how many micro-batches it holds, and the memory that it
 * has reserved for them.
 */
final class ChromeTrace {
    private static final int PROCESS = 1;

    /** The row of steps; the first, since readers take 0 for the idle thread of a processor. */
    private static final int STEPS = 1;

    private final JsonGenerator json;
    private final Map<String, Integer> rows = new LinkedHashMap<>();
    private long arrows;

    private ChromeTrace(JsonGenerator json) {
        this.json = json;
    }

    static void write(List<StepRecord> steps, OutputStream out) throws IOException {
        try (JsonGenerator json = new JsonFactory().createGenerator(out)) {
            new ChromeTrace(json).write(steps);
        }
    }

    private void write(List<StepRecord> steps) throws IOException {
        json.writeStartObject();
        json.writeStringField("displayTimeUnit", "ms");
        json.writeArrayFieldStart("traceEvents");
        rows.put("steps", STEPS);
        for (StepRecord step : steps) {
            step(step);
        }
        name("process_name", STEPS, "dl4j-pipeline");
        for (Map.Entry<String, Integer> row : rows.entrySet()) {
            name("thread_name", row.getValue(), row.getKey());
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private void step(StepRecord step) throws IOException {
        slice("step " + step.iteration(), "step", STEPS, step.startMillis(), step.startMillis() + step.millis());
        json.writeObjectFieldStart("args");
        json.writeNumberField("examples", step.examples());
        if (Double.isFinite(step.score())) {
            json.writeNumberField("score", step.score());
        } else {
            json.writeStringField("score", String.valueOf(step.score()));
        }
        json.writeStringField("plan", step.plan().summary());
        json.writeEndObject();
        json.writeEndObject();
        Timeline tasks = step.timeline().tasks();
        WorkerNames names = new WorkerNames(step.plan(), tasks.workers());
        for (Timeline.Span span : tasks.spans()) {
            task(step, span, row(names.of(span.worker())));
        }
        arrows(step, names);
        for (StepTimeline.Transfer transfer : step.timeline().transfers()) {
            transfer(step, transfer);
        }
        counters(step);
    }

    private void task(StepRecord step, Timeline.Span span, int row) throws IOException {
        Task task = span.task();
        slice(
                nameOf(task),
                passOf(task),
                row,
                step.startMillis() + span.startMillis(),
                step.startMillis() + span.endMillis());
        json.writeObjectFieldStart("args");
        json.writeNumberField("stage", task.stage());
        json.writeNumberField("microBatch", task.microBatch());
        json.writeNumberField("iteration", step.iteration());
        json.writeEndObject();
        json.writeEndObject();
    }

    private static String nameOf(Task task) {
        return passOf(task) + " " + task.microBatch() + " of stage " + task.stage();
    }

    private static String passOf(Task task) {
        return switch (task.pass()) {
            case FORWARD -> "forward";
            case BACKWARD -> "backward";
            case WEIGHTS -> "parameter gradients";
        };
    }

    private void arrows(StepRecord step, WorkerNames names) throws IOException {
        Map<Task, Timeline.Span> spans = new HashMap<>();
        step.timeline().tasks().spans().forEach(span -> spans.put(span.task(), span));
        for (Timeline.Span to : step.timeline().tasks().spans()) {
            for (Task before : to.task().dependencies(step.plan().stages().size())) {
                Timeline.Span from = spans.get(before);
                if (from != null && before.stage() != to.task().stage()) {
                    String what = to.task().pass() == Task.Pass.FORWARD ? "activation" : "error";
                    long begin = nanos(step.startMillis() + from.startMillis());
                    long end = nanos(step.startMillis() + from.endMillis());
                    arrow(what, "s", Math.max(begin, end - 1), row(names.of(from.worker())));
                    arrow(what, "f", nanos(step.startMillis() + to.startMillis()), row(names.of(to.worker())));
                    arrows++;
                }
            }
        }
    }

    /** One end of an arrow, which belongs to the task that its time lies in: at its end the next one may have begun. */
    private void arrow(String what, String end, long nanos, int row) throws IOException {
        begin(end, what, what, row, nanos);
        json.writeNumberField("id", arrows);
        if (end.equals("f")) {
            json.writeStringField("bp", "e");
        }
        json.writeEndObject();
    }

    private void transfer(StepRecord step, StepTimeline.Transfer transfer) throws IOException {
        int row = row(transfer.route().kind() + ", " + transfer.route().from() + " to "
                + transfer.route().to());
        slice(
                transfer.what(),
                "transfer",
                row,
                step.startMillis() + transfer.startMillis(),
                step.startMillis() + transfer.endMillis());
        json.writeObjectFieldStart("args");
        json.writeNumberField("bytes", transfer.bytes());
        json.writeEndObject();
        json.writeEndObject();
    }

    private void counters(StepRecord step) throws IOException {
        Task.Pass last = step.plan().splitsBackward() ? Task.Pass.WEIGHTS : Task.Pass.BACKWARD;
        int stages = step.plan().stages().size();
        int[] held = new int[stages];
        List<Change> changes = step.timeline().tasks().spans().stream()
                .filter(span ->
                        span.task().pass() == Task.Pass.FORWARD || span.task().pass() == last)
                .map(span -> span.task().pass() == Task.Pass.FORWARD
                        ? new Change(span.startMillis(), span.task().stage(), 1)
                        : new Change(span.endMillis(), span.task().stage(), -1))
                .sorted(Comparator.comparingDouble(Change::millis))
                .toList();
        for (Change change : changes) {
            held[change.stage()] += change.by();
            begin("C", "micro-batches held", "memory", STEPS, nanos(step.startMillis() + change.millis()));
            json.writeObjectFieldStart("args");
            for (int stage = 0; stage < stages; stage++) {
                json.writeNumberField("stage " + stage, held[stage]);
            }
            json.writeEndObject();
            json.writeEndObject();
        }
        begin("C", "memory, MB", "memory", STEPS, nanos(step.startMillis()));
        json.writeObjectFieldStart("args");
        for (int stage = 0; stage < stages; stage++) {
            json.writeNumberField("stage " + stage, step.memoryBytes().get(stage) / 1e6);
        }
        json.writeEndObject();
        json.writeEndObject();
    }

    /** A stage holds one micro-batch more, or one less. */
    private record Change(double millis, int stage, int by) {}

    private int row(String name) {
        return rows.computeIfAbsent(name, added -> STEPS + rows.size());
    }

    /** Its end is rounded like the beginning of the next one, so that the two do not overlap. */
    private void slice(String name, String category, int row, double beginMillis, double endMillis) throws IOException {
        long begin = nanos(beginMillis);
        begin("X", name, category, row, begin);
        micros("dur", nanos(endMillis) - begin);
    }

    private void begin(String phase, String name, String category, int row, long nanos) throws IOException {
        json.writeStartObject();
        json.writeStringField("ph", phase);
        json.writeStringField("name", name);
        json.writeStringField("cat", category);
        json.writeNumberField("pid", PROCESS);
        json.writeNumberField("tid", row);
        micros("ts", nanos);
    }

    /** A time in microseconds, to the nanosecond, and never with an exponent. */
    private void micros(String field, long nanos) throws IOException {
        json.writeNumberField(field, BigDecimal.valueOf(nanos, 3));
    }

    private static long nanos(double millis) {
        return Math.round(millis * 1e6);
    }

    private void name(String kind, int row, String name) throws IOException {
        json.writeStartObject();
        json.writeStringField("ph", "M");
        json.writeStringField("name", kind);
        json.writeNumberField("pid", PROCESS);
        json.writeNumberField("tid", row);
        json.writeObjectFieldStart("args");
        json.writeStringField("name", name);
        json.writeEndObject();
        json.writeEndObject();
    }
}
