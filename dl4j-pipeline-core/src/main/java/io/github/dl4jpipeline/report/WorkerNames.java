package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.List;
import java.util.stream.Collectors;

/** What the workers of a plan are called: their stages, replica and device. */
record WorkerNames(PartitionPlan plan, Workers workers) {

    String of(int worker) {
        List<Integer> stages = workers.stagesOf(worker);
        int first = stages.get(0);
        int replica = worker - workers.worker(first, 0);
        return (stages.size() > 1 ? "stages " : "stage ")
                + stages.stream().map(String::valueOf).collect(Collectors.joining(", "))
                + (workers.replicas(first) > 1 ? " replica " + replica : "")
                + " on " + plan.stages().get(first).devices().get(replica).id();
    }
}
