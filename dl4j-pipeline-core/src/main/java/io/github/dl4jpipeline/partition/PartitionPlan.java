package io.github.dl4jpipeline.partition;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How a graph is trained: its stages, and into how many micro-batches a batch is split.
 *
 * @param stages the stages, in the order in which activations flow
 * @param microBatches how many micro-batches a batch is split into; fewer where it has fewer examples
 * @param examples number of examples of the batch that the predictions are for
 * @param schedule name of the schedule that the predictions are for
 * @param predictedStepTime predicted time of the forward and backward passes of one step
 * @param oneDeviceTime predicted time of the same on the first device alone, vertex after vertex
 * @param bubble predicted share of the stages' time in which they wait, from 0 to 1
 * @param notes what the planner wants the user to know
 */
public record PartitionPlan(
        List<Stage> stages,
        int microBatches,
        int examples,
        String schedule,
        Duration predictedStepTime,
        Duration oneDeviceTime,
        double bubble,
        List<String> notes) {

    public PartitionPlan {
        stages = List.copyOf(stages);
        notes = List.copyOf(notes);
        if (stages.isEmpty()) {
            throw new IllegalArgumentException("A plan needs at least one stage");
        }
        if (microBatches < 1) {
            throw new IllegalArgumentException("A plan needs at least 1 micro-batch, got " + microBatches);
        }
        Set<String> seen = new HashSet<>();
        for (Stage stage : stages) {
            for (String vertex : stage.vertices()) {
                if (!seen.add(vertex)) {
                    throw new IllegalArgumentException("Vertex '" + vertex + "' is in two stages of the plan");
                }
            }
        }
    }

    /** A plan with the given stages, without predictions. */
    public static PartitionPlan of(List<Stage> stages, int microBatches) {
        return new PartitionPlan(
                stages, microBatches, microBatches, "1f1b", Duration.ZERO, Duration.ZERO, 0, List.of());
    }

    /** The plan as a table for people, with the prediction and what it says about pipelining this graph. */
    public String explain() {
        return PlanTable.of(this);
    }

    @Override
    public String toString() {
        return explain();
    }
}
