package io.github.dl4jpipeline.schedule;

import io.github.dl4jpipeline.internal.exception.Given;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** The schedules that there are. */
public final class Schedules {
    private static final Map<String, Schedule> LONG_NAMES =
            Map.of("one-forward-one-backward", oneForwardOneBackward(), "zero-bubble", zeroBubble());

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
     * <p>Stages that share workers are interleaved (Narayanan et al., SC 2021). A worker takes a group of
     * micro-batches, as many as there are workers, through its first stage, then through its next, and so on.
     * Backward it does the same from its last stage on. Its stages are shorter, so it waits less: 1/V of the time, if
     * each worker has V stages. In return, more micro-batches are in flight. For 4 stages on 2 workers and 2
     * micro-batches:
     *
     * <pre>
     * worker 0  F0,0 F0,1 F2,0 F2,1           B2,0 B2,1 B0,0 B0,1
     * worker 1       F1,0 F1,1 F3,0 B3,0 F3,1 B3,1 B1,0 B1,1
     * </pre>
     *
     * <p>With replicas, each worker of a stage has W / R micro-batches in flight, rounded up. W is the number of
     * workers from that stage on, R the number of the stage's replicas [from Narayanan et al., SOSP 2019]. No
     * deadlock: a backward task only waits for forward tasks that its stage runs before it.
     */
    public static Schedule oneForwardOneBackward() {
        return new OneForwardOneBackward();
    }

    /**
     * As {@link #oneForwardOneBackward()}, but parameter gradients that can wait are tasks of their own. Workers run
     * these where they would wait otherwise: ZB-H1 of Qi et al., "Zero bubble pipeline parallelism", ICLR 2024.
     * Errors reach earlier stages sooner. Every stage has as many micro-batches in flight as the first one. For 3
     * stages and 4 micro-batches:
     *
     * <pre>
     * stage 0  F0 F1 F2       B0 W0 F3 B1 W1    B2 W2    B3 W3
     * stage 1     F0 F1    B0 F2    B1 W0 F3 B2 W1    B3 W2 W3
     * stage 2        F0 B0 F1 B1    F2 B2 W0 F3 B3 W1 W2 W3
     * </pre>
     *
     * <p>Stages that share workers run each of these tasks right after its backward task.
     */
    public static Schedule zeroBubble() {
        return new ZeroBubble();
    }

    /** All of these. */
    public static List<Schedule> all() {
        return List.of(fillDrain(), oneForwardOneBackward(), zeroBubble());
    }

    /** Those that the planner chooses from, the usual one first. Each of the others needs an {@link Schedule#adjective} of its own. */
    public static List<Schedule> planned() {
        return List.of(oneForwardOneBackward(), zeroBubble());
    }

    /**
     * The schedule with a name, in small or large letters: {@code fill-drain}, {@code 1f1b} or {@code zb-h1}.
     *
     * @throws IllegalArgumentException for another name
     */
    public static Schedule named(String name) {
        String small = Given.notNull("name of a schedule", name).toLowerCase(Locale.ROOT);
        return all().stream()
                .filter(schedule -> schedule.name().equals(small))
                .findFirst()
                .or(() -> Optional.ofNullable(LONG_NAMES.get(small)))
                .orElseThrow(() ->
                        new IllegalArgumentException("There is no schedule '" + name + "'; known are " + names()));
    }

    private static String names() {
        List<String> names = all().stream().map(Schedule::name).toList();
        int last = names.size() - 1;
        return String.join(", ", names.subList(0, last)) + " and " + names.get(last);
    }

    private record FillDrain() implements Schedule {
        @Override
        public String name() {
            return "fill-drain";
        }

        @Override
        public String description() {
            return "all forward passes of a batch, then all backward passes";
        }

        @Override
        public String toString() {
            return name();
        }

        @Override
        public List<List<Task>> tasks(Workers workers, int microBatches) {
            return perWorker(workers, worker -> {
                List<Integer> own = workers.microBatchesOf(worker, microBatches);
                List<Integer> stages = workers.stagesOf(worker);
                List<Task> tasks = new ArrayList<>();
                for (int stage : stages) {
                    own.forEach(microBatch -> tasks.add(Task.forward(stage, microBatch)));
                }
                for (int i = stages.size() - 1; i >= 0; i--) {
                    int stage = stages.get(i);
                    own.forEach(microBatch -> tasks.add(Task.backward(stage, microBatch)));
                }
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
        public String description() {
            return "each stage takes a forward and a backward pass in turn";
        }

        @Override
        public String toString() {
            return name();
        }

        @Override
        public List<List<Task>> tasks(Workers workers, int microBatches) {
            return perWorker(
                    workers,
                    worker -> workers.interleaved()
                            ? interleaved(workers, worker, microBatches)
                            : ofOneStage(workers, worker, microBatches));
        }

        private static List<Task> ofOneStage(Workers workers, int worker, int microBatches) {
            int stage = workers.stagesOf(worker).get(0);
            List<Integer> own = workers.microBatchesOf(worker, microBatches);
            return alternate(
                    own.stream().map(m -> Task.forward(stage, m)).toList(),
                    own.stream().map(m -> Task.backward(stage, m)).toList(),
                    inFlight(workers, stage) - 1);
        }

        /** How many micro-batches each replica of a stage has in flight, if there are enough. */
        static int inFlight(Workers workers, int stage) {
            int replicas = workers.replicas(stage);
            return (workers.countFrom(stage) + replicas - 1) / replicas;
        }

        /**
         * As if every worker had as many stages, and the micro-batches were a multiple of the workers. Then the tasks that
         * there are not are left out: what does not wait for them cannot wait for ever.
         */
        private static List<Task> interleaved(Workers workers, int worker, int microBatches) {
            int count = workers.shared();
            int rounds = (workers.stages() + count - 1) / count;
            List<Task> forward = new ArrayList<>();
            List<Task> backward = new ArrayList<>();
            for (int first = 0; first < microBatches; first += count) {
                for (int round = 0; round < rounds; round++) {
                    for (int microBatch = first; microBatch < first + count; microBatch++) {
                        forward.add(Task.forward(round * count + worker, microBatch));
                        backward.add(Task.backward((rounds - 1 - round) * count + worker, microBatch));
                    }
                }
            }
            int warmUp = 2 * (count - 1 - worker) + (rounds - 1) * count;
            return alternate(forward, backward, warmUp).stream()
                    .filter(task -> task.stage() < workers.stages() && task.microBatch() < microBatches)
                    .toList();
        }

        /** Some forward tasks, then one forward and one backward in turn, then the other backward tasks. */
        private static List<Task> alternate(List<Task> forward, List<Task> backward, int first) {
            int warmUp = Math.min(first, forward.size());
            List<Task> tasks = new ArrayList<>(forward.subList(0, warmUp));
            for (int i = 0; i < backward.size(); i++) {
                if (warmUp + i < forward.size()) {
                    tasks.add(forward.get(warmUp + i));
                }
                tasks.add(backward.get(i));
            }
            return tasks;
        }
    }

    private record ZeroBubble() implements Schedule {
        @Override
        public String name() {
            return "zb-h1";
        }

        @Override
        public String description() {
            return "as 1f1b, with parameter gradients where workers would wait";
        }

        @Override
        public String toString() {
            return name();
        }

        @Override
        public String adjective() {
            return "zero-bubble";
        }

        @Override
        public boolean splitsBackward() {
            return true;
        }

        @Override
        public List<List<Task>> tasks(Workers workers, int microBatches) {
            List<List<Task>> unsplit = oneForwardOneBackward().tasks(workers, microBatches);
            return perWorker(workers, worker -> split(unsplit.get(worker), behind(workers, worker)));
        }

        /** By how many micro-batches the weights are behind backward tasks: by what the first stage has more in flight. */
        private static int behind(Workers workers, int worker) {
            int stage = workers.stagesOf(worker).get(0);
            return workers.interleaved()
                    ? 0
                    : Math.max(
                            0,
                            OneForwardOneBackward.inFlight(workers, 0)
                                    - OneForwardOneBackward.inFlight(workers, stage));
        }

        private static List<Task> split(List<Task> unsplit, int behind) {
            List<Task> tasks = new ArrayList<>();
            Deque<Task> left = new ArrayDeque<>();
            for (Task task : unsplit) {
                tasks.add(task);
                if (task.pass() == Task.Pass.BACKWARD) {
                    left.add(Task.weights(task.stage(), task.microBatch()));
                    if (left.size() > behind) {
                        tasks.add(left.remove());
                    }
                }
            }
            tasks.addAll(left);
            return tasks;
        }
    }

    private static List<List<Task>> perWorker(Workers workers, IntFunction<List<Task>> tasks) {
        return IntStream.range(0, workers.count()).mapToObj(tasks).toList();
    }
}
