package io.github.dl4jpipeline.exception;

/** A network cannot be split into branches. The message names the vertex that is in the way, and why. */
public final class UnsplittableGraphException extends UnsupportedOperationException {
    private static final long serialVersionUID = 1;

    public UnsplittableGraphException(String reason) {
        super("This network cannot be split into branches: " + reason);
    }

    public UnsplittableGraphException(String vertex, Throwable cause) {
        super("This network cannot be split into branches: vertex '" + vertex + "': " + cause.getMessage(), cause);
    }
}
