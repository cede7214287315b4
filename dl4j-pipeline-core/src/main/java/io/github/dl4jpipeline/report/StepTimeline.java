package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.schedule.Timeline;
import java.util.List;

/**
 * One step as measured.
 *
 * @param tasks forward and backward passes of the micro-batches
 * @param transfers those that began during forward and backward passes, as part of a task, in the order in which they began
 */
public record StepTimeline(Timeline tasks, List<Transfer> transfers) {

    /**
     * One transfer and its time.
     *
     * @param route for what, and from where to where
     * @param what the vertex whose activation or error it is, or what else is passed
     * @param startMillis from the beginning of the step
     * @param endMillis from the beginning of the step
     */
    public record Transfer(Transfers.Route route, String what, long bytes, double startMillis, double endMillis) {}

    public StepTimeline {
        transfers = List.copyOf(transfers);
    }

    /**
     * The timeline of a step.
     *
     * @param beginNanos when the step began, on the clock of {@link System#nanoTime}
     * @param transfers of the same step, or none
     */
    public static StepTimeline of(Timeline tasks, long beginNanos, List<Transfers.Transfer> transfers) {
        double end = tasks.makespanMillis();
        return new StepTimeline(
                tasks,
                transfers.stream()
                        .map(transfer -> span(transfer, beginNanos))
                        .filter(transfer -> transfer.startMillis() >= 0 && transfer.startMillis() < end)
                        .sorted((one, other) -> Double.compare(one.startMillis(), other.startMillis()))
                        .toList());
    }

    private static Transfer span(Transfers.Transfer transfer, long beginNanos) {
        double start = (transfer.startNanos() - beginNanos) / 1e6;
        return new Transfer(transfer.route(), transfer.what(), transfer.bytes(), start, start + transfer.nanos() / 1e6);
    }
}
