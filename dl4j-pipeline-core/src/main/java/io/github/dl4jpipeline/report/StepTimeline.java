package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.schedule.Timeline;
import java.util.List;

/**
 * One step as measured.
 *
 * @param tasks forward and backward passes of the micro-batches
 * @param copies those that began during forward and backward passes, as part of a task, in the order in which they began
 */
public record StepTimeline(Timeline tasks, List<Copy> copies) {

    /**
     * One copy and its time.
     *
     * @param what the vertex whose activation or error it is, or what else is copied
     * @param from where it was: a device's id, or {@code host}
     * @param to where it went
     * @param startMillis from the beginning of the step
     * @param endMillis from the beginning of the step
     */
    public record Copy(
            Transfers.Kind kind,
            String what,
            String from,
            String to,
            long bytes,
            double startMillis,
            double endMillis) {}

    public StepTimeline {
        copies = List.copyOf(copies);
    }

    /**
     * The timeline of a step.
     *
     * @param beginNanos when the step began, on the clock of {@link System#nanoTime}
     * @param copies of the same step, or none
     */
    public static StepTimeline of(Timeline tasks, long beginNanos, List<Transfers.Copy> copies) {
        double end = tasks.makespanMillis();
        return new StepTimeline(
                tasks,
                copies.stream()
                        .map(copy -> span(copy, beginNanos))
                        .filter(copy -> copy.startMillis() >= 0 && copy.startMillis() < end)
                        .sorted((one, other) -> Double.compare(one.startMillis(), other.startMillis()))
                        .toList());
    }

    private static Copy span(Transfers.Copy copy, long beginNanos) {
        double start = (copy.startNanos() - beginNanos) / 1e6;
        return new Copy(
                copy.kind(), copy.what(), copy.from(), copy.to(), copy.bytes(), start, start + copy.nanos() / 1e6);
    }
}
