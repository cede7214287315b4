package io.github.dl4jpipeline.schedule;

import io.github.dl4jpipeline.internal.exception.Given;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Who runs the tasks of a step: a stage with {@code R} replicas has {@code R} workers, and micro-batch {@code m} goes to
 * replica {@code m mod R}. Workers are counted through: all of stage 0, then all of stage 1, and so on.
 *
 * <p>Stages without replicas may share workers instead: they are dealt out to them in turn, stage {@code s} to worker
 * {@code s mod W}.
 *
 * @param replicas number of replicas of each stage
 * @param shared number of workers that the stages share; 0 if each replica of a stage has a worker of its own, as with as
 *     many workers as stages
 */
public record Workers(List<Integer> replicas, int shared) {

    public Workers {
        replicas = Given.list("replicas", replicas);
        if (replicas.isEmpty() || replicas.stream().anyMatch(number -> number < 1)) {
            throw new IllegalArgumentException("Every stage needs at least 1 replica, got " + replicas);
        }
        if (shared < 0) {
            throw new IllegalArgumentException("Stages can share 1 worker or more, or 0 for none, got " + shared);
        }
        if (shared >= replicas.size()) {
            shared = 0;
        }
        if (shared > 0 && replicas.stream().anyMatch(number -> number > 1)) {
            throw new IllegalArgumentException("Stages with replicas cannot share workers, got replicas " + replicas);
        }
    }

    /** Each replica of a stage has a worker of its own. */
    public Workers(List<Integer> replicas) {
        this(replicas, 0);
    }

    /** One worker for each stage. */
    public static Workers straight(int stages) {
        return new Workers(Collections.nCopies(stages, 1));
    }

    /** Stages that are dealt out to workers in turn. */
    public static Workers inTurn(int stages, int workers) {
        return new Workers(Collections.nCopies(stages, 1), workers);
    }

    /**
     * The workers of stages on devices: where stages without replicas are on fewer devices in turn, each device has one
     * worker, which runs all of its stages; elsewhere each replica has a worker of its own.
     *
     * @param devices for each stage the ids of the devices of its replicas
     */
    public static Workers on(List<List<String>> devices) {
        List<Integer> replicas =
                Given.notNull("devices", devices).stream().map(List::size).toList();
        List<String> first =
                devices.stream().map(replica -> replica.get(0)).distinct().toList();
        boolean inTurn = IntStream.range(0, devices.size())
                .allMatch(stage -> devices.get(stage).equals(List.of(first.get(stage % first.size()))));
        return new Workers(replicas, inTurn ? first.size() : 0);
    }

    /** Whether a worker runs several stages in turn. */
    public boolean interleaved() {
        return shared > 0;
    }

    public int stages() {
        return replicas.size();
    }

    /** Number of workers. */
    public int count() {
        return shared > 0 ? shared : countFrom(0);
    }

    /** Number of replicas of a stage and those after it. */
    int countFrom(int stage) {
        return replicas.subList(stage, stages()).stream()
                .mapToInt(Integer::intValue)
                .sum();
    }

    public int replicas(int stage) {
        return replicas.get(stage);
    }

    /** The worker of a stage's replica. */
    public int worker(int stage, int replica) {
        return shared > 0 ? stage % shared : countFrom(0) - countFrom(stage) + replica;
    }

    /** The worker that runs a task. */
    public int workerOf(Task task) {
        return worker(task.stage(), task.microBatch() % replicas(task.stage()));
    }

    /** The stages of a worker, in order. */
    public List<Integer> stagesOf(int worker) {
        return IntStream.range(0, stages())
                .filter(stage -> worker(stage, 0) <= worker && worker < worker(stage, 0) + replicas(stage))
                .boxed()
                .toList();
    }

    /** The micro-batches of a worker, in order. */
    List<Integer> microBatchesOf(int worker, int count) {
        int stage = stagesOf(worker).get(0);
        return IntStream.iterate(worker - worker(stage, 0), m -> m < count, m -> m + replicas(stage))
                .boxed()
                .toList();
    }
}
