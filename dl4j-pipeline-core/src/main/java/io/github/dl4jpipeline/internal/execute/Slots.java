package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.schedule.Task;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Which of its places for micro-batches in flight a replica of a stage uses for which micro-batch: as few as its order of
 * tasks needs.
 */
record Slots(List<Map<Integer, Integer>> ofStage) {
    static Slots of(Program program) {
        List<Map<Integer, Integer>> ofStage = new ArrayList<>();
        for (int stage = 0; stage < program.workers().stages(); stage++) {
            Map<Integer, Integer> slots = new HashMap<>();
            for (List<Task> tasks : program.tasks()) {
                assign(stage, program.lastPass(), tasks, slots);
            }
            ofStage.add(slots);
        }
        return new Slots(ofStage);
    }

    private static void assign(int stage, Task.Pass last, List<Task> tasks, Map<Integer, Integer> slots) {
        TreeSet<Integer> free = new TreeSet<>();
        int used = 0;
        for (Task task : tasks) {
            if (task.stage() == stage && task.pass() == last) {
                free.add(slots.get(task.microBatch()));
            } else if (task.stage() == stage && task.pass() == Task.Pass.FORWARD) {
                slots.put(task.microBatch(), free.isEmpty() ? used++ : free.pollFirst());
            }
        }
    }

    int of(int stage, int microBatch) {
        return ofStage.get(stage).get(microBatch);
    }

    /** How many a replica of a stage needs at most. */
    int count(int stage) {
        return 1
                + ofStage.get(stage).values().stream()
                        .mapToInt(Integer::intValue)
                        .max()
                        .orElse(0);
    }
}
