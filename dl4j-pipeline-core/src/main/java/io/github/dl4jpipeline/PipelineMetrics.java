package io.github.dl4jpipeline;

import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.report.StageReport;
import io.github.dl4jpipeline.report.StepTimeline;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Metrics of training for Micrometer, which your project then depends on ({@code io.micrometer:micrometer-core}):
 *
 * <pre>{@code
 * PipelineComputationGraph.builder(graph).listener(new PipelineMetrics(registry)).build();
 * }</pre>
 *
 * <p>All names begin with {@code dl4j.pipeline}. {@code step} times forward and backward passes. {@code examples}, {@code copied.bytes},
 * {@code plan.changes} and {@code failures} count. {@code score} is the last score. With a tag {@code stage}, counted from 0:
 * {@code stage.busy} and {@code stage.wait} time what each of its replicas does in a step on average, and {@code stage.memory} has
 * the bytes that it has reserved. Meters are made once; a step costs some hundred nanoseconds for each stage.
 */
public final class PipelineMetrics implements PipelineListener {
    private static final String PREFIX = "dl4j.pipeline.";

    private final MeterRegistry registry;
    private final Tags tags;
    private final Timer step;
    private final Counter examples;
    private final Counter copied;
    private final Counter planChanges;
    private final Counter failures;
    private final AtomicReference<Double> score = new AtomicReference<>(Double.NaN);
    private final List<StageMeters> stages = new ArrayList<>();

    /** Those of one stage. */
    private record StageMeters(Timer busy, Timer waiting, AtomicLong memory) {}

    /**
     * Metrics of one pipeline.
     *
     * @param tags names and values by turns, which all meters get; to tell several pipelines apart
     */
    public PipelineMetrics(MeterRegistry registry, String... tags) {
        this.registry = Given.notNull("registry", registry);
        this.tags = Tags.of(Given.notNull("tags", tags));
        this.step = Timer.builder(PREFIX + "step")
                .description("Forward and backward passes of a step")
                .tags(this.tags)
                .register(registry);
        this.examples = counter("examples", "Examples trained", "examples");
        this.copied = counter("copied.bytes", "Bytes passed between devices, and from and to the host", "bytes");
        this.planChanges = counter("plan.changes", "How often training has gone on with another plan", "changes");
        this.failures = counter("failures", "Calls of fit that have thrown", "failures");
        Gauge.builder(PREFIX + "score", score, AtomicReference::get)
                .description("Score of the last step")
                .tags(this.tags)
                .register(registry);
    }

    private Counter counter(String name, String description, String unit) {
        return Counter.builder(PREFIX + name)
                .description(description)
                .baseUnit(unit)
                .tags(tags)
                .register(registry);
    }

    @Override
    public void stepDone(StepDone event) {
        step.record(nanos(event.stepMillis()), TimeUnit.NANOSECONDS);
        examples.increment((double) event.examples());
        score.set(event.score());
        event.timeline().ifPresent(timeline -> copied.increment((double) bytes(timeline)));
        for (int i = 0; i < event.stages().size(); i++) {
            StageReport measured = event.stages().get(i);
            StageMeters meters = stage(i);
            meters.busy().record(nanos(measured.busyMillis()), TimeUnit.NANOSECONDS);
            meters.waiting().record(nanos(event.stepMillis() - measured.busyMillis()), TimeUnit.NANOSECONDS);
            meters.memory().set(measured.memoryBytes());
        }
        for (int i = event.stages().size(); i < stages.size(); i++) {
            stages.get(i).memory().set(0); // an earlier plan had more stages
        }
    }

    private static long bytes(StepTimeline timeline) {
        return timeline.transfers().stream()
                .mapToLong(StepTimeline.Transfer::bytes)
                .sum();
    }

    private static long nanos(double millis) {
        return Math.max(0, Math.round(millis * 1e6));
    }

    private StageMeters stage(int number) {
        while (stages.size() <= number) {
            Tags ofStage = tags.and("stage", String.valueOf(stages.size()));
            AtomicLong memory = new AtomicLong();
            Gauge.builder(PREFIX + "stage.memory", memory, AtomicLong::get)
                    .description("Activation and working memory that a stage has reserved")
                    .baseUnit("bytes")
                    .tags(ofStage)
                    .register(registry);
            stages.add(new StageMeters(
                    Timer.builder(PREFIX + "stage.busy")
                            .description("What a replica of a stage computes in a step")
                            .tags(ofStage)
                            .register(registry),
                    Timer.builder(PREFIX + "stage.wait")
                            .description("What a replica of a stage waits in a step, or does for other stages")
                            .tags(ofStage)
                            .register(registry),
                    memory));
        }
        return stages.get(number);
    }

    @Override
    public void planChanged(PlanChanged event) {
        planChanges.increment();
    }

    @Override
    public void trainingFailed(TrainingFailed event) {
        failures.increment();
    }
}
