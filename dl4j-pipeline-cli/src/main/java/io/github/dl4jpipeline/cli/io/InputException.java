package io.github.dl4jpipeline.cli.io;

/** What the user has given cannot be used. The message names the file or option and the value; the exit code is 2. */
public final class InputException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public InputException(String message) {
        super(message);
    }

    public InputException(String message, Throwable cause) {
        super(message, cause);
    }
}
