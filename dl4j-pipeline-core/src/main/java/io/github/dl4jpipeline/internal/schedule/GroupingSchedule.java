package io.github.dl4jpipeline.internal.schedule;

import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * A schedule whose forward tasks come earlier, so that the last stage has run several micro-batches forward before it runs the first of
 * them backward.
 *
 * @param schedule the order of tasks otherwise
 * @param grouped how many micro-batches the last stage has to have
 */
public record GroupingSchedule(Schedule schedule, int grouped) implements OtherOrder {
    /** The schedule itself where micro-batches are not grouped. */
    public static Schedule of(Schedule schedule, int grouped) {
        return grouped == 1 ? schedule : new GroupingSchedule(schedule, grouped);
    }

    @Override
    public List<List<Task>> tasks(Workers workers, int microBatches) {
        return schedule.tasks(workers, microBatches).stream().map(this::earlier).toList();
    }

    private List<Task> earlier(List<Task> tasks) {
        Deque<Task> forward = new ArrayDeque<>(
                tasks.stream().filter(GroupingSchedule::isForward).toList());
        List<Task> all = new ArrayList<>();
        int ahead = grouped - 1;
        for (Task task : tasks) {
            if (isForward(task)) {
                ahead++;
                continue;
            }
            for (; ahead > 0 && !forward.isEmpty(); ahead--) {
                all.add(forward.remove());
            }
            all.add(task);
        }
        all.addAll(forward);
        return all;
    }

    private static boolean isForward(Task task) {
        return task.pass() == Task.Pass.FORWARD;
    }
}
