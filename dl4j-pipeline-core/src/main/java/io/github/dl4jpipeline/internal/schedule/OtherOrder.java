package io.github.dl4jpipeline.internal.schedule;

import io.github.dl4jpipeline.schedule.Schedule;

/** A schedule that changes only the order of another one's tasks, and is shown as that. */
interface OtherOrder extends Schedule {
    /** The order of tasks otherwise. */
    Schedule schedule();

    @Override
    default String name() {
        return schedule().name();
    }

    @Override
    default boolean splitsBackward() {
        return schedule().splitsBackward();
    }

    @Override
    default String adjective() {
        return schedule().adjective();
    }

    @Override
    default String description() {
        return schedule().description();
    }
}
