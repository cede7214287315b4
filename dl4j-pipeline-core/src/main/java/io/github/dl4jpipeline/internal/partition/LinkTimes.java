package io.github.dl4jpipeline.internal.partition;

/**
 * How fast devices pass bytes to each other.
 *
 * @param bytesPerMilli bandwidth of each device's link; infinite where devices share memory
 * @param syncMillisPerByte time of adding up gradients over replicas, once a step, for each byte of them
 */
public record LinkTimes(double bytesPerMilli, double syncMillisPerByte) {
    /** Nothing takes time. */
    public static final LinkTimes NONE = new LinkTimes(Double.POSITIVE_INFINITY, 0);
}
