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
import java.util.concurrent.BlockingQueue;
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
        void step(long iteration, double score, long examples);

        /** The arrays are those after a number of steps. */
        void checkpoint(long iteration);
    }

    private record Step(double score, long examples) {}

    private record Failed(String text, boolean first) {}

    private final Members members;
    private final INDArray parameters;
    private final @Nullable INDArray state;
    private final Group group;
    private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();

    /** What has been stored and belongs to no checkpoint yet. */
    private final List<Stored> stored = new ArrayList<>();

    private final Map<Long, Integer> storedCount = new HashMap<>();
    private final Map<Long, Map<Integer, Step>> steps = new HashMap<>();

    private record Stored(Peers.Kind kind, long from, INDArray array) {}

    private record StepDone(long iteration, double score, long examples) {}

    private record Checkpoint(long iteration, List<Stored> arrays) {}

    /**
     * Listens for the workers.
     *
     * @param names of the workers, for messages
     * @param parameters the model's
     * @param state its updater state; null if it has none
     */
    public TrainingHost(
            List<String> names,
            INDArray parameters,
            @Nullable INDArray state,
            InetAddress address,
            byte[] secret,
            Limits limits)
            throws IOException {
        this.members = new Members(names);
        this.parameters = parameters.reshape(parameters.length());
        this.state = state == null ? null : state.reshape(state.length());
        this.group = new Group(members.host(), address, 0, secret, new Incoming(), limits);
    }

    /** Where workers connect to. */
    public InetSocketAddress address() {
        return group.address();
    }

    /**
     * Waits until the workers have done all steps.
     *
     * @param last number of steps after the last one
     * @param over why nothing can come any more: an exception of whoever runs the workers, or null; asked several times a second
     * @throws PipelineException with the first cause if a worker fails
     */
    public void run(long last, Events listener, Supplier<@Nullable Throwable> over) {
        while (true) {
            Object event = next(over);
            if (event instanceof StepDone step) {
                listener.step(step.iteration(), step.score(), step.examples());
            } else if (event instanceof Checkpoint checkpoint) {
                checkpoint.arrays().forEach(this::take);
                for (int worker = 0; worker < members.host(); worker++) {
                    group.send(worker, Message.STORED, (byte) 0, checkpoint.iteration(), 0, null);
                }
                listener.checkpoint(checkpoint.iteration());
                if (checkpoint.iteration() == last) {
                    return;
                }
            } else if (event instanceof Failed failed) {
                throw new PipelineException(firstCause(failed).text(), null);
            }
        }
    }

    private Object next(Supplier<@Nullable Throwable> over) {
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
        }
    }

    /** Where a worker says that it has failed itself, that is the cause; otherwise what was heard of first. */
    private Failed firstCause(Failed heard) {
        long end = System.nanoTime() + FIRST_CAUSE.toNanos();
        Failed first = heard;
        while (!first.first() && System.nanoTime() < end) {
            try {
                if (events.poll(50, TimeUnit.MILLISECONDS) instanceof Failed other && other.first()) {
                    first = other;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return first;
            }
        }
        return first;
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
                case Message.LOAD -> load(peer, header, content.getLong());
                case Message.STORE -> store(header, content);
                case Message.STORED -> storedBy(header.index());
                case Message.STEP -> step(peer, header.index(), new Step(content.getDouble(), content.getLong()));
                case Message.FAILED -> events.add(new Failed(
                        "Worker " + peer + ", " + members.name(peer) + ": "
                                + StandardCharsets.UTF_8.decode(content),
                        header.kind() == 1));
                default -> throw new IllegalArgumentException("message of type " + header.type());
            }
            group.release(content);
        }

        private void load(int peer, Header header, long length) {
            INDArray part = of(Peers.Kind.values()[header.kind()], header.index(), length);
            group.send(peer, Message.ARRAY, header.kind(), header.index(), 0, Arrays.write(group, part));
        }

        private void store(Header header, ByteBuffer content) {
            INDArray array = Arrays.read(content);
            synchronized (TrainingHost.this) {
                stored.add(new Stored(Peers.Kind.values()[header.kind()], header.index(), array));
            }
        }

        private void storedBy(long iteration) {
            synchronized (TrainingHost.this) {
                if (storedCount.merge(iteration, 1, Integer::sum) == members.host()) {
                    events.add(new Checkpoint(iteration, List.copyOf(stored)));
                    stored.clear();
                }
            }
        }

        private void step(int peer, long iteration, Step step) {
            synchronized (TrainingHost.this) {
                Map<Integer, Step> ofStep = steps.computeIfAbsent(iteration, number -> new HashMap<>());
                ofStep.put(peer, step);
                if (ofStep.size() == members.host()) {
                    double score = 0;
                    for (int worker = 0; worker < members.host(); worker++) {
                        score += ofStep.get(worker).score();
                    }
                    steps.remove(iteration);
                    events.add(new StepDone(iteration, score, step.examples()));
                }
            }
        }

        @Override
        public void lost(int peer, String why) {
            events.add(new Failed("Worker " + peer + ", " + members.name(peer) + ", " + why, false));
        }
    }
}
