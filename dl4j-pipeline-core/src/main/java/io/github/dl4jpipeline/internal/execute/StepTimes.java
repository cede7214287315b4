package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.schedule.StepTasks;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Timeline;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** When the tasks of one step have run. Each worker writes the times of its own tasks; all are there when the step has ended. */
public final class StepTimes {
    private final StepTasks tasks;
    private final long beginNanos = System.nanoTime();

    /** By worker, what it has run. */
    private final List<List<Timeline.Span>> spans = new ArrayList<>();

    StepTimes(StepTasks tasks) {
        this.tasks = tasks;
        tasks.byWorker().forEach(ofWorker -> spans.add(new ArrayList<>(ofWorker.size())));
    }

    void add(int worker, Task task, long startNanos, long endNanos) {
        spans.get(worker).add(new Timeline.Span(worker, task, millis(startNanos), millis(endNanos)));
    }

    /** The beginning of the step, on the clock of {@link System#nanoTime}. */
    public long beginNanos() {
        return beginNanos;
    }

    /** The step as measured. */
    public Timeline timeline() {
        return new Timeline(
                tasks.workers(),
                spans.stream()
                        .flatMap(List::stream)
                        .sorted(Comparator.comparingDouble(Timeline.Span::startMillis))
                        .toList());
    }

    private double millis(long nanos) {
        return (nanos - beginNanos) / 1e6;
    }
}
