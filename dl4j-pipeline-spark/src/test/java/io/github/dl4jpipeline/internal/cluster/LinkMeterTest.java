package io.github.dl4jpipeline.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.internal.wire.Limits;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinkMeterTest {
    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void everyWorkerMeasuresItsLink(int workers) throws Exception {
        List<LinkMeter> meters = new ArrayList<>();
        ExecutorService threads = Executors.newFixedThreadPool(workers);
        try {
            for (int worker = 0; worker < workers; worker++) {
                meters.add(
                        new LinkMeter(worker, workers, InetAddress.getLoopbackAddress(), new byte[] {1}, Limits.USUAL));
            }
            List<InetSocketAddress> addresses =
                    meters.stream().map(LinkMeter::address).toList();
            List<Future<LinkMeter.Measured>> running = new ArrayList<>();
            for (LinkMeter meter : meters) {
                running.add(threads.submit(() -> {
                    try (meter) {
                        return meter.measure(addresses);
                    }
                }));
            }
            for (Future<LinkMeter.Measured> worker : running) {
                assertThat(worker.get().bytesPerSecond()).isPositive().isFinite();
                assertThat(worker.get().latencyMillis()).isPositive().isFinite();
            }
        } finally {
            threads.shutdown();
            meters.forEach(LinkMeter::close);
        }
    }
}
