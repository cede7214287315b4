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

    /** By worker, and then by place in its order. */
    private final long[][] startNanos;

    private final long[][] endNanos;

    StepTimes(StepTasks tasks) {
        this.tasks = tasks;
        int workers = tasks.byWorker().size();
        startNanos = new long[workers][];
        endNanos = new long[workers][];
        for (int worker = 0; worker < workers; worker++) {
            int count = tasks.byWorker().get(worker).size();
            startNanos[worker] = new long[count];
            endNanos[worker] = new long[count];
        }
    }

    /** @param place of the task in the worker's order */
    void set(int worker, int place, long start, long end) {
        startNanos[worker][place] = start;
        endNanos[worker][place] = end;
    }

    /** The beginning of the step, on the clock of {@link System#nanoTime}. */
    public long beginNanos() {
        return beginNanos;
    }

    /** The step as measured. */
    public Timeline timeline() {
        List<Timeline.Span> spans = new ArrayList<>();
        for (int worker = 0; worker < startNanos.length; worker++) {
            List<Task> ofWorker = tasks.byWorker().get(worker);
            for (int place = 0; place < ofWorker.size(); place++) {
                spans.add(new Timeline.Span(
                        ofWorker.get(place), millis(startNanos[worker][place]), millis(endNanos[worker][place])));
            }
        }
        spans.sort(Comparator.comparingDouble(Timeline.Span::startMillis));
        return new Timeline(tasks.workers(), spans);
    }

    private double millis(long nanos) {
        return (nanos - beginNanos) / 1e6;
    }
}
