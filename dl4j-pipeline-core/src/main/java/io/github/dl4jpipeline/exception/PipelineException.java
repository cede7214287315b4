package io.github.dl4jpipeline.exception;

/**
 * A training step failed in a stage. The message names stage, device, vertex and micro-batch; the cause is what the
 * vertex threw. Parameters, updater state and counts are as before the step, and training can go on.
 */
public final class PipelineException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public PipelineException(String message, Throwable cause) {
        super(message, cause);
    }
}
