package io.github.dl4jpipeline.schedule;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

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
     * Each stage alternates between one forward and one backward task as soon as it can, as in PipeDream-Flush
     * (Narayanan et al., ICML 2021). It takes as long as {@link #fillDrain()}, but stage {@code k} of {@code K} has at
     * most {@code K - k} micro-batches in flight. For 3 stages and 4 micro-batches:
     *
     * <pre>
     * stage 0  F0 F1 F2       B0 F3 B1    B2    B3
     * stage 1     F0 F1    B0 F2 B1 F3 B2    B3
     * stage 2        F0 B0 F1 B1 F2 B2 F3 B3
     * </pre>
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
        public List<List<Task>> tasks(int stages, int microBatches) {
            List<List<Task>> tasks = new ArrayList<>();
            for (int stage = 0; stage < stages; stage++) {
                List<Task> ofStage = new ArrayList<>();
                for (int microBatch = 0; microBatch < microBatches; microBatch++) {
                    ofStage.add(Task.forward(stage, microBatch));
                }
                for (int microBatch = 0; microBatch < microBatches; microBatch++) {
                    ofStage.add(Task.backward(stage, microBatch));
                }
                tasks.add(ofStage);
            }
            return tasks;
        }
    }

    private record OneForwardOneBackward() implements Schedule {
        @Override
        public String name() {
            return "1f1b";
        }

        @Override
        public List<List<Task>> tasks(int stages, int microBatches) {
            List<List<Task>> tasks = new ArrayList<>();
            for (int stage = 0; stage < stages; stage++) {
                int warmUp = Math.min(stages - stage - 1, microBatches);
                List<Task> ofStage = new ArrayList<>();
                for (int microBatch = 0; microBatch < warmUp; microBatch++) {
                    ofStage.add(Task.forward(stage, microBatch));
                }
                for (int microBatch = 0; microBatch < microBatches; microBatch++) {
                    if (warmUp + microBatch < microBatches) {
                        ofStage.add(Task.forward(stage, warmUp + microBatch));
                    }
                    ofStage.add(Task.backward(stage, microBatch));
                }
                tasks.add(ofStage);
            }
            return tasks;
        }
    }
}
