package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.Timeline;
import java.util.ArrayList;
import java.util.List;

/**
 * What a worker did in a step.
 *
 * @param name the worker's
 * @param computeMillis time in tasks, without copies
 * @param copyMillis time of copies in its tasks
 * @param waitMillis time in no task
 */
record WorkerUse(String name, double computeMillis, double copyMillis, double waitMillis) {

    /** That of each worker. A copy is of the worker whose task it lies in, on the device at one end of its route. */
    static List<WorkerUse> of(PartitionPlan plan, StepTimeline step) {
        Timeline tasks = step.tasks();
        WorkerNames names = new WorkerNames(plan, tasks.workers());
        double[] busy = new double[tasks.workers().count()];
        double[] copies = new double[busy.length];
        for (Timeline.Span span : tasks.spans()) {
            busy[span.worker()] += span.endMillis() - span.startMillis();
        }
        for (StepTimeline.Transfer copy : step.transfers()) {
            tasks.spans().stream()
                    .filter(span -> span.startMillis() <= copy.startMillis() && copy.startMillis() < span.endMillis())
                    .filter(span -> isAtAnEnd(names.device(span.worker()), copy))
                    .findFirst()
                    .ifPresent(span ->
                            copies[span.worker()] += Math.min(copy.endMillis(), span.endMillis()) - copy.startMillis());
        }
        List<WorkerUse> uses = new ArrayList<>();
        for (int worker = 0; worker < busy.length; worker++) {
            double copied = Math.min(busy[worker], copies[worker]);
            uses.add(new WorkerUse(
                    names.of(worker),
                    busy[worker] - copied,
                    copied,
                    Math.max(0, tasks.makespanMillis() - busy[worker])));
        }
        return uses;
    }

    private static boolean isAtAnEnd(String device, StepTimeline.Transfer copy) {
        return device.equals(copy.route().to()) || device.equals(copy.route().from());
    }

    /** The share of the step in which it was in a task, from 0 to 1. */
    double used() {
        double whole = computeMillis + copyMillis + waitMillis;
        return whole == 0 ? 0 : (computeMillis + copyMillis) / whole;
    }
}
