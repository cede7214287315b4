package io.github.dl4jpipeline.internal.schedule;

import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * A schedule in which the last stage leaves parameter gradients until it has run its last backward task, as soon as it has no forward
 * task left. Other stages get their errors earlier then. It takes no more micro-batches in flight.
 *
 * @param schedule the order of tasks otherwise
 */
public record ErrorsFirstSchedule(Schedule schedule) implements OtherOrder {
    @Override
    public List<List<Task>> tasks(Workers workers, int microBatches) {
        int last = workers.stages() - 1;
        return schedule.tasks(workers, microBatches).stream()
                .map(tasks -> tasks.stream().allMatch(task -> task.stage() == last) ? errorsFirst(tasks) : tasks)
                .toList();
    }

    private static List<Task> errorsFirst(List<Task> tasks) {
        int end = tasks.size();
        while (end > 0 && tasks.get(end - 1).pass() != Task.Pass.FORWARD) {
            end--;
        }
        Predicate<Task> isBackward = task -> task.pass() == Task.Pass.BACKWARD;
        List<Task> rest = tasks.subList(end, tasks.size());
        List<Task> all = new ArrayList<>(tasks.subList(0, end));
        rest.stream().filter(isBackward).forEach(all::add);
        rest.stream().filter(isBackward.negate()).forEach(all::add);
        return all;
    }
}
