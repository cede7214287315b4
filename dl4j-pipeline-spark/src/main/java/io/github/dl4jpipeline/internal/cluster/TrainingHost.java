package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.internal.stage.Peers;
import io.github.dl4jpipeline.internal.wire.Group;
import io.github.dl4jpipeline.internal.wire.Handler;
import io.github.dl4jpipeline.internal.wire.Header;
import io.github.dl4jpipeline.internal.wire.Limits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Has the model's arrays while workers train it: gives them out, takes them back, and says what happens. */
public final class TrainingHost implements AutoCloseable {
    private static final Duration FIRST_CAUSE = Duration.ofMillis(1500);

    /** What the thread that has called {@code fit} does. */
    public interface Events {
        /** A step is done in all workers. */
        void step(int iteration, int epoch, double score);

        /** The arrays are those after so much training. */
        void checkpoint(Progress progress);
    }

    /**
     * Something has gone wrong.
     *
     * @param first whether it began with the worker that says so
     * @param lost the worker whose connection has ended; -1 if it says itself what is wrong
     */
    private record Failed(String text, boolean first, int lost) {}

    private final int workers;
    private final Map<Integer, WorkerName> names = new ConcurrentHashMap<>();
    private final INDArray parameters;
    private final @Nullable INDArray state;
    private final Group group;
    private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();

    /** What has been stored and belongs to no checkpoint yet. */
    private final List<Stored> stored = new ArrayList<>();

    private final Map<Long, Integer> storedCount = new HashMap<>();
    private final Map<Long, Map<Integer, Double>> scores = new HashMap<>();
    private long lastStep = -1;
    private long firstConnected = System.nanoTime();

    private record Stored(Peers.Kind kind, long from, INDArray array) {}

    private record StepDone(long iteration, int epoch, double score) {}

    private record Checkpoint(Progress progress, boolean last, List<Stored> arrays) {}

    /**
     * Listens for the workers.
     *
     * @param workers how many there are
     * @param parameters the model's
     * @param state its updater state; null if it has none
     */
    public TrainingHost(
            int workers,
            INDArray parameters,
            @Nullable INDArray state,
            InetAddress address,
            byte[] secret,
            Limits limits)
            throws IOException {
        this.workers = workers;
        this.parameters = parameters.reshape(parameters.length());
        this.state = state == null ? null : state.reshape(state.length());
        this.group = new Group(workers, address, 0, secret, new Incoming(), limits);
    }

    /** Where workers connect to. */
    public InetSocketAddress address() {
        return group.address();
    }

    /**
     * Waits until the workers have done all steps.
     *
     * @param over why nothing can come any more: an exception of whoever runs the workers, or null; asked several times a second
     * @param connect how long others may take to connect when the first has
     * @throws WorkerLostException if workers are lost, so that others could go on
     * @throws PipelineException with the first cause if a worker fails otherwise
     */
    public void run(Events listener, Supplier<@Nullable Throwable> over, Duration connect) {
        while (true) {
            Object event = next(over, connect);
            if (event instanceof StepDone step) {
                lastStep = step.iteration();
                listener.step((int) step.iteration(), step.epoch(), step.score());
            } else if (event instanceof Checkpoint checkpoint) {
                checkpoint.arrays().forEach(this::take);
                for (int worker = 0; worker < workers; worker++) {
                    group.send(
                            worker,
                            Message.STORED,
                            (byte) 0,
                            checkpoint.progress().iteration(),
                            0,
                            null);
                }
                listener.checkpoint(checkpoint.progress());
                if (checkpoint.last()) {
                    return;
                }
            } else if (event instanceof Failed failed) {
                throw failure(failed);
            }
        }
    }

    private Object next(Supplier<@Nullable Throwable> over, Duration connect) {
        while (true) {
            try {
                Object event = events.poll(200, TimeUnit.MILLISECONDS);
                if (event != null) {
                    return event;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PipelineException("Interrupted while workers train", e);
            }
            Throwable end = over.get();
            if (end != null && events.isEmpty()) {
                throw new PipelineException("The job that trains has ended: " + end.getMessage(), end);
            }
            if (names.isEmpty()) {
                firstConnected = System.nanoTime();
            } else if (names.size() < workers && System.nanoTime() - firstConnected > connect.toNanos()) {
                throw new WorkerLostException(
                        "Of " + workers + " workers only " + names.values() + " have connected to the driver at "
                                + address(),
                        null,
                        Set.of());
            }
        }
    }

    /** The first cause: what a worker says of itself; otherwise a connection that has ended; otherwise what was heard of first. */
    private RuntimeException failure(Failed heard) {
        List<Failed> all = new ArrayList<>(List.of(heard));
        long end = System.nanoTime() + FIRST_CAUSE.toNanos();
        while (all.stream().noneMatch(Failed::first) && System.nanoTime() < end) {
            try {
                if (events.poll(50, TimeUnit.MILLISECONDS) instanceof Failed other) {
                    all.add(other);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
        }
        for (Failed failed : all) {
            if (failed.first()) {
                return new PipelineException(failed.text(), null);
            }
        }
        List<Failed> lost = all.stream().filter(failed -> failed.lost() >= 0).toList();
        Set<String> executors = new TreeSet<>();
        lost.forEach(failed -> {
            WorkerName name = names.get(failed.lost());
            if (name != null && !name.executor().isEmpty()) {
                executors.add(name.executor());
            }
        });
        String text = (lost.isEmpty() ? heard : lost.get(0)).text();
        return new WorkerLostException(
                text + (lastStep < 0 ? ", before the first step was done" : ", after iteration " + lastStep),
                null,
                executors);
    }

    private String name(int worker) {
        WorkerName name = names.get(worker);
        return "Worker " + worker + (name == null ? "" : ", " + name);
    }

    private void take(Stored piece) {
        of(piece.kind(), piece.from(), piece.array().length()).assign(piece.array());
        piece.array().close();
    }

    private INDArray of(Peers.Kind kind, long from, long length) {
        INDArray flat = kind == Peers.Kind.PARAMETERS ? parameters : state;
        if (flat == null || from < 0 || length < 0 || from + length > flat.length()) {
            throw new IllegalArgumentException(kind + " from " + from + ", " + length + " elements: there are none");
        }
        return flat.get(NDArrayIndex.interval(from, from + length));
    }

    @Override
    public void close() {
        group.close();
    }

    private final class Incoming implements Handler {
        @Override
        public void received(int peer, Header header, ByteBuffer content) {
            switch (header.type()) {
                case Message.HELLO -> names.put(peer, WorkerName.of(text(content)));
                case Message.LOAD -> load(peer, header, content.getLong());
                case Message.STORE -> store(header, content);
                case Message.STORED -> storedBy(Progress.read(content), header.kind() == 1);
                case Message.STEP -> step(peer, header.index(), content.getDouble(), content.getInt());
                case Message.FAILED ->
                    events.add(new Failed(name(peer) + ": " + text(content), header.kind() == 1, -1));
                default -> throw new IllegalArgumentException("message of type " + header.type());
            }
            group.release(content);
        }

        private String text(ByteBuffer content) {
            return StandardCharsets.UTF_8.decode(content).toString();
        }

        private void load(int peer, Header header, long length) {
            INDArray part = of(Peers.Kind.of(header.kind()), header.index(), length);
            group.send(peer, Message.ARRAY, header.kind(), header.index(), 0, Arrays.write(group, part));
        }

        private void store(Header header, ByteBuffer content) {
            INDArray array = Arrays.read(content);
            synchronized (TrainingHost.this) {
                stored.add(new Stored(Peers.Kind.of(header.kind()), header.index(), array));
            }
        }

        private void storedBy(Progress progress, boolean last) {
            synchronized (TrainingHost.this) {
                if (storedCount.merge((long) progress.iteration(), 1, Integer::sum) == workers) {
                    storedCount.remove((long) progress.iteration());
                    events.add(new Checkpoint(progress, last, List.copyOf(stored)));
                    stored.clear();
                }
            }
        }

        private void step(int peer, long iteration, double score, int epoch) {
            synchronized (TrainingHost.this) {
                Map<Integer, Double> ofStep = scores.computeIfAbsent(iteration, number -> new HashMap<>());
                ofStep.put(peer, score);
                if (ofStep.size() == workers) {
                    double sum = 0;
                    for (int worker = 0; worker < workers; worker++) {
                        sum += ofStep.get(worker);
                    }
                    scores.remove(iteration);
                    events.add(new StepDone(iteration, epoch, sum));
                }
            }
        }

        @Override
        public void lost(int peer, String why) {
            events.add(new Failed(name(peer) + ", " + why, false, peer));
        }
    }
}
