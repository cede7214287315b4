package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.schedule.Task;

/**
 * What went wrong first in a step.
 *
 * @param task the task, for its stage and micro-batch
 * @param microBatches number of micro-batches of the step
 * @param device id of the stage's device
 * @param vertex name of the vertex that ran
 * @param cause what it threw
 */
record Failure(Task task, int microBatches, String device, String vertex, Throwable cause) {

    /** Throws what the caller of {@code fit} gets to see. */
    RuntimeException rethrow() {
        String message = String.format(
                "Training step failed in stage %d (device %s), vertex '%s', micro-batch %d of %d, %s pass: %s",
                task.stage(),
                device,
                vertex,
                task.microBatch() + 1,
                microBatches,
                task.pass().name().toLowerCase(java.util.Locale.ROOT),
                cause);
        if (cause instanceof OutOfMemoryError) {
            // Stays what it is, so that fit writes its memory report and callers can tell it from other failures.
            OutOfMemoryError error = new OutOfMemoryError(message);
            error.initCause(cause);
            throw error;
        }
        return new PipelineException(message, cause);
    }
}
