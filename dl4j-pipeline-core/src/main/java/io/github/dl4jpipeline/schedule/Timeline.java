package io.github.dl4jpipeline.schedule;

import java.util.List;

/**
 * When each task of a step runs.
 *
 * @param workers who runs them
 * @param spans the tasks, in the order in which they start
 */
public record Timeline(Workers workers, List<Span> spans) {

    /**
     * One task and its time.
     *
     * @param worker who has run it
     * @param startMillis from the beginning of the step
     * @param endMillis from the beginning of the step
     */
    public record Span(int worker, Task task, double startMillis, double endMillis) {}

    public Timeline {
        spans = List.copyOf(spans);
    }

    /** Time from the beginning of the step to the end of its last task. */
    public double makespanMillis() {
        return spans.stream().mapToDouble(Span::endMillis).max().orElse(0);
    }

    /** Time that a stage spends in tasks, all its replicas together. */
    public double busyMillis(int stage) {
        return spans.stream()
                .filter(span -> span.task().stage() == stage)
                .mapToDouble(span -> span.endMillis() - span.startMillis())
                .sum();
    }

    /** The share of the workers' time in which they wait: the bubble, from 0 to 1. */
    public double bubble() {
        double available = workers.count() * makespanMillis();
        double busy = spans.stream()
                .mapToDouble(span -> span.endMillis() - span.startMillis())
                .sum();
        return available == 0 ? 0 : 1 - busy / available;
    }
}
