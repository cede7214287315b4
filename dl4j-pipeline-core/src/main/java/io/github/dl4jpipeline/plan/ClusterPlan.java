package io.github.dl4jpipeline.plan;

import io.github.dl4jpipeline.partition.PartitionPlan;
import java.util.Locale;
import java.util.Optional;

/**
 * How to train on a cluster.
 *
 * @param cluster what it is for
 * @param plan the plan with the shortest predicted step; of one machine where no other is faster
 * @param workersPerMachine 1 if operations use all cores of a machine, or as many as it has cores
 * @param oneMachine the best plan on one machine; empty if training does not fit into its memory
 */
public record ClusterPlan(
        Cluster cluster, PartitionPlan plan, int workersPerMachine, Optional<PartitionPlan> oneMachine) {

    /** How many machines have work. */
    public int machines() {
        return (plan.workers() + workersPerMachine - 1) / workersPerMachine;
    }

    /** Predicted time of a step, in milliseconds. */
    public double stepMillis() {
        return plan.predictedStepTime().toNanos() / 1e6;
    }

    /** How many times as fast as one machine; empty if it does not fit into one. */
    public Optional<Double> speedUp() {
        return oneMachine.map(one -> one.predictedStepTime().toNanos() / 1e6 / stepMillis());
    }

    /** What the cluster is good for, in a sentence or two. */
    public String verdict() {
        String workers = workersPerMachine == 1
                ? "one worker a machine, whose operations use all of its cores"
                : workersPerMachine + " workers a machine, one for each core";
        if (machines() == 1 && cluster.machines() > 1) {
            return "One machine is faster than " + cluster.machines() + ": what the others would save is less than"
                    + " sending takes. Train on one (" + workers + ").";
        }
        if (machines() == 1) {
            return "One machine (" + workers + ").";
        }
        String times = speedUp()
                .map(factor -> String.format(Locale.ROOT, "%.2f times as fast as one machine", factor))
                .orElse("one machine has too little memory");
        return "On " + machines() + " machines, " + times + " (" + workers + ").";
    }

    /** The plan as a table for people, and the verdict. */
    public String explain() {
        return String.format("%sCluster: %s%n", plan.explain(), verdict());
    }
}
