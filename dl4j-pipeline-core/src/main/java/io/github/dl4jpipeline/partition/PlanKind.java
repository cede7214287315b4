package io.github.dl4jpipeline.partition;

import java.util.List;

/**
 * What kind of plan this is. Of each kind only the best plan is worth a try.
 *
 * @param parallelism what the devices share
 * @param threads on one device, how many threads run an operation; otherwise 1
 * @param schedule in a pipeline, the adjective of its schedule; otherwise empty
 * @param interleaved in a pipeline, whether a worker runs several stages in turn
 * @param grouped in a pipeline, whether dense layers run several micro-batches as one
 */
public record PlanKind(Parallelism parallelism, int threads, String schedule, boolean interleaved, boolean grouped) {

    static PlanKind of(List<Stage> stages, boolean tiled, String schedule, boolean interleaved, boolean grouped) {
        Parallelism parallelism = tiled ? Parallelism.TILES : parallelism(stages);
        boolean oneDevice = parallelism == Parallelism.ONE_DEVICE;
        boolean pipeline = parallelism.hasStages();
        return new PlanKind(
                parallelism,
                oneDevice ? stages.get(0).device().threads() : 1,
                pipeline ? schedule : "",
                pipeline && interleaved,
                pipeline && grouped);
    }

    private static Parallelism parallelism(List<Stage> stages) {
        boolean replicated = stages.stream().anyMatch(stage -> stage.replicas() > 1);
        if (stages.size() == 1) {
            return replicated ? Parallelism.DATA_PARALLEL : Parallelism.ONE_DEVICE;
        }
        return replicated ? Parallelism.REPLICATED_PIPELINE : Parallelism.PIPELINE;
    }

    /** In words, such as {@code one device with 2 threads} or {@code interleaved zero-bubble pipeline}. */
    @Override
    public String toString() {
        return (grouped ? "grouped " : "")
                + (interleaved ? "interleaved " : "")
                + (schedule.isEmpty() ? "" : schedule + " ")
                + parallelism
                + (threads > 1 ? " with " + threads + " threads" : "");
    }
}
