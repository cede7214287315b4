package io.github.dl4jpipeline.internal.cluster;

/** Another worker has failed or is lost, so that this one cannot go on. */
final class PeerFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    PeerFailure(String message) {
        super(message);
    }
}
