/**
 * In which order each worker of a stage runs the tasks of one training step.
 *
 * <p>Schedules are pure generators: {@link io.github.dl4jpipeline.schedule.Schedules} has the known ones, and
 * {@link io.github.dl4jpipeline.schedule.ScheduleSimulator} turns stage times into the timeline of a step.
 */
@NullMarked
package io.github.dl4jpipeline.schedule;

import org.jspecify.annotations.NullMarked;
