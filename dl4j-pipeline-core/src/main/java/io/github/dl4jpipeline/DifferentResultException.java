package io.github.dl4jpipeline;

import io.github.dl4jpipeline.report.Verification;

/**
 * The first step of a plan has another gradient or score than plain Deeplearning4j, beyond roundings. Only thrown after {@link
 * PipelineBuilder#verifyFirstStep}. Parameters, updater state and counts are as before the step.
 */
public final class DifferentResultException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient Verification verification;

    DifferentResultException(String message, Verification verification) {
        super(message);
        this.verification = verification;
    }

    /** What was compared. */
    public Verification verification() {
        return verification;
    }
}
