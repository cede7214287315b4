package io.github.dl4jpipeline.schedule;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;

/** The schedules that there are. */
public final class Schedules {
    private Schedules() {}

    /**
     * All forward tasks, then all backward tasks, as in GPipe (Huang et al., NeurIPS 2019). Every micro-batch is in
     * flight at once. For 3 stages and 4 micro-batches:
     *
     * <pre>
     * stage 0  F0 F1 F2 F3             B0 B1 B2 B3
     * stage 1     F0 F1 F2 F3       B0 B1 B2 B3
     * stage 2        F0 F1 F2 F3 B0 B1 B2 B3
     * </pre>
     */
    public static Schedule fillDrain() {
        return new FillDrain();
    }

    /**
     * Each worker alternates between one forward and one backward task as soon as it can, as in PipeDream-Flush
     * (Narayanan et al., ICML 2021). It takes as long as {@link #fillDrain()}, but stage {@code k} of {@code K} has at
     * most {@code K - k} micro-batches in flight. For 3 stages and 4 micro-batches:
     *
     * <pre>
     * stage 0  F0 F1 F2       B0 F3 B1    B2    B3
     * stage 1     F0 F1    B0 F2 B1 F3 B2    B3
     * stage 2        F0 B0 F1 B1 F2 B2 F3 B3
     * </pre>
     *
     * <p>With replicas, each worker of a stage has as many micro-batches in flight as there are workers from that stage
     * on, divided by the stage's replicas, rounded up [from Narayanan et al., SOSP 2019]. No deadlock: a backward task
     * only waits for forward tasks that its stage runs before it.
     */
    public static Schedule oneForwardOneBackward() {
        return new OneForwardOneBackward();
    }

    /**
     * The schedule with a name: {@code fill-drain} or {@code 1f1b}.
     *
     * @throws IllegalArgumentException for another name
     */
    public static Schedule named(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "fill-drain" -> fillDrain();
            case "1f1b", "one-forward-one-backward" -> oneForwardOneBackward();
            default ->
                throw new IllegalArgumentException(
                        "There is no schedule '" + name + "'; known are fill-drain and 1f1b");
        };
    }

    private record FillDrain() implements Schedule {
        @Override
        public String name() {
            return "fill-drain";
        }

        @Override
        public List<List<Task>> tasks(Workers workers, int microBatches) {
            return perWorker(workers, microBatches, (stage, own) -> {
                List<Task> tasks = new ArrayList<>();
                own.forEach(microBatch -> tasks.add(Task.forward(stage, microBatch)));
                own.forEach(microBatch -> tasks.add(Task.backward(stage, microBatch)));
                return tasks;
            });
        }
    }

    private record OneForwardOneBackward() implements Schedule {
        @Override
        public String name() {
            return "1f1b";
        }

        @Override
        public List<List<Task>> tasks(Workers workers, int microBatches) {
            return perWorker(workers, microBatches, (stage, own) -> {
                int replicas = workers.replicas(stage);
                int inFlight = (workers.countFrom(stage) + replicas - 1) / replicas;
                int warmUp = Math.min(inFlight - 1, own.size());
                List<Task> tasks = new ArrayList<>();
                own.subList(0, warmUp).forEach(microBatch -> tasks.add(Task.forward(stage, microBatch)));
                for (int i = 0; i < own.size(); i++) {
                    if (warmUp + i < own.size()) {
                        tasks.add(Task.forward(stage, own.get(warmUp + i)));
                    }
                    tasks.add(Task.backward(stage, own.get(i)));
                }
                return tasks;
            });
        }
    }

    /** The tasks of every worker, each from its stage and its micro-batches. */
    private static List<List<Task>> perWorker(
            Workers workers, int microBatches, BiFunction<Integer, List<Integer>, List<Task>> tasks) {
        List<List<Task>> all = new ArrayList<>();
        for (int stage = 0; stage < workers.stages(); stage++) {
            for (int replica = 0; replica < workers.replicas(stage); replica++) {
                List<Integer> own = new ArrayList<>();
                for (int m = replica; m < microBatches; m += workers.replicas(stage)) {
                    own.add(m);
                }
                all.add(tasks.apply(stage, own));
            }
        }
        return all;
    }
}
