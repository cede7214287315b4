package io.github.dl4jpipeline.exception;

/** No plan has what is asked for. The message says what binds, and what would be possible. */
public final class NoPlanException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    public NoPlanException(String message) {
        super(message);
    }
}
