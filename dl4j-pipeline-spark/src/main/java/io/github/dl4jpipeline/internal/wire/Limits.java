package io.github.dl4jpipeline.internal.wire;

import java.time.Duration;

/**
 * How long things may take.
 *
 * @param heartbeat after this time without a message, one is sent that says nothing
 * @param silence after this time without a byte, the other member is given up
 * @param connect until a connection stands and both ends have proved that they belong to the group
 * @param close until the other end has said good-bye
 */
public record Limits(Duration heartbeat, Duration silence, Duration connect, Duration close) {
    /** One second between heartbeats; ten of silence. */
    public static final Limits USUAL =
            new Limits(Duration.ofSeconds(1), Duration.ofSeconds(10), Duration.ofSeconds(30), Duration.ofSeconds(3));
}
