package io.github.dl4jpipeline.internal.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.partition.MachineLinks;
import java.time.Duration;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class LinkTimesTest {
    private static final Offset<Double> SAME = within(1e-9);

    /** Machines of four devices; 100 bytes a millisecond, 2 ms of latency, 0.5 ms to add a byte. */
    private static final LinkTimes LINKS = LinkTimes.between(new MachineLinks(4, 100_000, Duration.ofMillis(2)), 0.5);

    @Test
    void nothingIsSentWithinAMachine() {
        assertThat(LINKS.sendMillis(1_000, 0, 2, 2)).isZero();
        assertThat(LINKS.latencyMillis(0, 4)).isZero();
        assertThat(LINKS.syncMillis(1_000, 4, 4)).isCloseTo(0.5 * 1_000 * 3 / 4, SAME);
    }

    /** The workers of a machine share its link. */
    @Test
    void machinesSend() {
        assertThat(LINKS.sendMillis(1_000, 3, 1, 1)).isCloseTo(10, SAME);
        assertThat(LINKS.sendMillis(1_000, 0, 4, 2)).isCloseTo(4 * 10, SAME);
        assertThat(LINKS.latencyMillis(3, 2)).isCloseTo(2, SAME);
    }

    /** Three of four replicas send half of what is theirs and of what they made to the fourth, each a quarter of the gradients. */
    @Test
    void replicasInSeveralMachines() {
        double sent = 2.0 * 3 * 1 / 4 * 1_000 / 100;
        assertThat(LINKS.syncMillis(1_000, 1, 4)).isCloseTo(0.5 * 1_000 * 3 / 4 + sent + 4, SAME);
    }

    @Test
    void devicesWithLinksOfTheirOwn() {
        LinkTimes links = new LinkTimes(100, 0.1);
        assertThat(links.sendMillis(1_000, 0, 2, 2)).isCloseTo(10, SAME);
        assertThat(links.latencyMillis(0, 2)).isZero();
        assertThat(links.syncMillis(1_000, 0, 2)).isCloseTo(0.1 * 1_000 / 2, SAME);
        assertThat(links.bothWaysMillis(1_000, 2)).isCloseTo(10, SAME);
    }
}
