package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Timeline;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** When the tasks of one step have run. Each worker writes the times of its own tasks; all are there when the step has ended. */
public final class StepTimes {
    private final Program program;
    private final long beginNanos = System.nanoTime();

    /** By worker, and then by place in its order. */
    private final long[][] startNanos;

    private final long[][] endNanos;

    StepTimes(Program program) {
        this.program = program;
        int workers = program.tasks().size();
        startNanos = new long[workers][];
        endNanos = new long[workers][];
        for (int worker = 0; worker < workers; worker++) {
            int tasks = program.tasks().get(worker).size();
            startNanos[worker] = new long[tasks];
            endNanos[worker] = new long[tasks];
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
            List<Task> tasks = program.tasks().get(worker);
            for (int place = 0; place < tasks.size(); place++) {
                spans.add(new Timeline.Span(
                        tasks.get(place), millis(startNanos[worker][place]), millis(endNanos[worker][place])));
            }
        }
        spans.sort(Comparator.comparingDouble(Timeline.Span::startMillis));
        return new Timeline(program.workers(), spans);
    }

    private double millis(long nanos) {
        return (nanos - beginNanos) / 1e6;
    }
}
