package io.github.dl4jpipeline.internal.profile;

/** A vertex whose code fails while it is measured. */
final class VertexFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String vertex;

    VertexFailure(String vertex, RuntimeException cause) {
        super("vertex '" + vertex + "': " + cause.getMessage(), cause);
        this.vertex = vertex;
    }

    /** Its name. */
    String vertex() {
        return vertex;
    }

    /** What the code has thrown, in short. */
    String reason() {
        return String.valueOf(getCause()).lines().findFirst().orElse("");
    }
}
