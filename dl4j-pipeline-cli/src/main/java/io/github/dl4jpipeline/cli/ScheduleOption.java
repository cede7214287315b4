package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The order of a stage's tasks. */
final class ScheduleOption {
    @Option(
            names = "--schedule",
            paramLabel = "NAME",
            description =
                    "Order of a stage's tasks: fill-drain, 1f1b or zb-h1. Default: the faster one of the last two.")
    private @Nullable String name;

    /** The schedule named; empty leaves it to the planner. */
    Optional<Schedule> choice() {
        try {
            return Optional.ofNullable(name).map(Schedules::named);
        } catch (IllegalArgumentException e) {
            throw new InputException("--schedule: " + e.getMessage(), e);
        }
    }
}
