package io.github.dl4jpipeline.internal.cluster;

/** Another worker has failed or is lost, or the data on the way from it, so that this one cannot go on. */
public final class PeerFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    PeerFailure(String message) {
        super(message);
    }

    public PeerFailure(String message, Throwable cause) {
        super(message, cause);
    }
}
