package io.github.dl4jpipeline.internal.cluster;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Which task is which worker: workers fill one machine after the other, so that replicas of a stage are together. */
public final class Placement {
    private Placement() {}

    /**
     * The number of a task's worker.
     *
     * @param machines of all tasks, in their order
     */
    public static int worker(List<String> machines, int task) {
        return IntStream.range(0, machines.size())
                .boxed()
                .sorted(Comparator.<Integer, String>comparing(machines::get).thenComparing(number -> number))
                .toList()
                .indexOf(task);
    }
}
