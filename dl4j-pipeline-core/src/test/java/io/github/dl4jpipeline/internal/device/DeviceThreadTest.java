package io.github.dl4jpipeline.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.Devices;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class DeviceThreadTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    /** Of a device whose runtime does something when a thread is bound to the host. */
    private static DeviceThread bound(Runnable binding) {
        DeviceRuntime runtime = (DeviceRuntime) Proxy.newProxyInstance(
                DeviceRuntime.class.getClassLoader(),
                new Class<?>[] {DeviceRuntime.class},
                (self, method, arguments) -> {
                    binding.run();
                    return null;
                });
        return DeviceThread.onHost(runtime, "bound");
    }

    @Test
    void bindsOnceAndRunsTasksInOrderInItsOwnThread() throws Exception {
        List<String> events = new ArrayList<>();
        try (DeviceThread thread =
                bound(() -> events.add("bind in " + Thread.currentThread().getName()))) {
            assertThat(thread.thread().isAlive()).as("before its first task").isFalse();
            CompletableFuture<Boolean> first = thread.submit(
                    () -> events.add("first in " + Thread.currentThread().getName()));
            thread.submit(() -> events.add("second")).get();
            assertThat(first).isCompleted();
            assertThat(events).containsExactly("bind in bound", "first in bound", "second");
            assertThat(thread.thread().isDaemon()).isTrue();
        }
    }

    @Test
    void startsEarlyIfAsked() {
        try (DeviceThread thread = DeviceThread.unbound("early")) {
            thread.start();
            thread.start();
            assertThat(thread.thread().isAlive()).isTrue();
        }
    }

    @Test
    void failuresReachTheCallerAndTheThreadGoesOn() throws Exception {
        try (DeviceThread thread = DeviceThread.unbound("failing")) {
            for (Throwable failure :
                    List.of(new IllegalStateException("a"), new StackOverflowError(), new CancellationException("c"))) {
                CompletableFuture<Object> task = thread.submit(() -> {
                    if (failure instanceof Error error) {
                        throw error;
                    }
                    throw (Exception) failure;
                });
                assertThatThrownBy(task::get)
                        .isInstanceOf(ExecutionException.class)
                        .cause()
                        .isSameAs(failure);
                assertThat(Uninterruptibly.failureOf(task)).isSameAs(failure);
            }
            assertThat(thread.submit(() -> 7).get()).isEqualTo(7);
        }
    }

    @Test
    void aBindingThatFailsReachesTheCallerAndIsTriedAgain() throws Exception {
        List<RuntimeException> failures = new ArrayList<>(List.of(new IllegalStateException("no device")));
        Runnable binding = () -> {
            if (!failures.isEmpty()) {
                throw failures.remove(0);
            }
        };
        try (DeviceThread thread = bound(binding)) {
            assertThatThrownBy(() -> thread.submit(() -> 1).get()).hasRootCauseMessage("no device");
            failures.add(new IllegalStateException("still none"));
            CompletableFuture<String> notBegun = new CompletableFuture<>();
            assertThat(thread.execute(
                            () -> notBegun.complete("begun"), failure -> notBegun.complete(failure.getMessage())))
                    .isTrue();
            assertThat(notBegun.get()).isEqualTo("still none");
            assertThat(thread.submit(() -> 2).get()).isEqualTo(2);
        }
    }

    @Test
    void endsAfterTheTasksThatItHas() throws Exception {
        DeviceThread thread = DeviceThread.unbound("closing");
        CountDownLatch closed = new CountDownLatch(1);
        CompletableFuture<Boolean> first = thread.submit(() -> {
            closed.await();
            return true;
        });
        CompletableFuture<Boolean> second = thread.submit(() -> true);
        thread.close();
        thread.close();
        assertThat(DeviceThread.awaitEnd(List.of(thread), Duration.ofMillis(1)))
                .as("while it runs")
                .isFalse();
        closed.countDown();
        assertThat(DeviceThread.awaitEnd(List.of(thread), LONG)).isTrue();
        assertThat(first.get() && second.get()).isTrue();
        assertThat(thread.offer(() -> true)).isEmpty();
        assertThat(thread.execute(() -> {}, failure -> {})).isFalse();
        assertThatThrownBy(thread.submit(() -> true)::get)
                .hasCauseInstanceOf(RejectedExecutionException.class)
                .hasMessageContaining("closing is closed");
    }

    @Test
    void oneThatHasNotStartedHasEndedWhenItIsClosed() {
        DeviceThread thread = DeviceThread.unbound("unused");
        thread.close();
        assertThat(DeviceThread.awaitEnd(List.of(thread), LONG)).isTrue();
    }

    @Test
    void anInterruptByOthersDoesNotEndItAndIsNotForTheNextTask() throws Exception {
        try (DeviceThread thread = DeviceThread.unbound("interrupted")) {
            thread.submit(() -> {
                        Thread.currentThread().interrupt();
                        return null;
                    })
                    .get();
            assertThat(thread.submit(Thread::interrupted).get()).isFalse();
            thread.thread().interrupt();
            assertThat(thread.submit(() -> 3).get()).isEqualTo(3);
        }
    }

    @Test
    void anInterruptedCallerWaitsForTheResultAndStaysInterrupted() throws Exception {
        try (DeviceThread thread = DeviceThread.unbound("working")) {
            CountDownLatch goOn = new CountDownLatch(1);
            CompletableFuture<Integer> task = thread.submit(() -> {
                goOn.await();
                return 5;
            });
            Thread.currentThread().interrupt();
            Thread other = new Thread(goOn::countDown);
            other.start();
            assertThat(Uninterruptibly.get(task)).isEqualTo(5);
            assertThat(Thread.interrupted()).isTrue();
            other.join();
        }
    }

    @Test
    void onADeviceItIsBoundToItsCores() throws Exception {
        Device device = Devices.cpu().get(0);
        try (DeviceThread thread = DeviceThread.on(device, "pinned")) {
            assertThat(thread.submit(() -> Thread.currentThread().getName()).get())
                    .isEqualTo("pinned");
        }
    }
}
