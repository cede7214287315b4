package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The order of a stage's tasks. */
final class ScheduleOption {
    @Option(
            names = "--schedule",
            paramLabel = "NAME",
            completionCandidates = Names.class,
            description = "Order of a stage's tasks: ${COMPLETION-CANDIDATES}. Default: the planner's choice.")
    private @Nullable String name;

    /** The schedule named; empty leaves it to the planner. */
    Optional<Schedule> choice() {
        try {
            return Optional.ofNullable(name).map(Schedules::named);
        } catch (IllegalArgumentException e) {
            throw new InputException("--schedule: " + e.getMessage(), e);
        }
    }

    private static final class Names implements Iterable<String> {
        private final List<String> names =
                Schedules.all().stream().map(Schedule::name).toList();

        @Override
        public Iterator<String> iterator() {
            return names.iterator();
        }
    }
}
