package io.github.dl4jpipeline.schedule;

/**
 * How long the tasks of a stage take.
 *
 * @param replicas number of its replicas
 * @param forwardMillis time of one forward task
 * @param backwardMillis time of one backward task that is not split
 * @param weightMillis the part of it that parameter gradients take which can wait
 * @param sendMillis time to send one micro-batch's activations to the next stage, or its errors back from there; 0 where
 *     stages share memory. Every worker has a link of its own in each direction, which carries one micro-batch at a time
 * @param latencyMillis time until it arrives after that, in which the link can carry others
 * @param group of its last vertices, where several micro-batches run them as one; the other times are without them then
 */
public record StageTimes(
        int replicas,
        double forwardMillis,
        double backwardMillis,
        double weightMillis,
        double sendMillis,
        double latencyMillis,
        GroupTimes group) {

    /** Every micro-batch runs alone. */
    public StageTimes(
            int replicas,
            double forwardMillis,
            double backwardMillis,
            double weightMillis,
            double sendMillis,
            double latencyMillis) {
        this(replicas, forwardMillis, backwardMillis, weightMillis, sendMillis, latencyMillis, GroupTimes.NONE);
    }

    /** Links without latency. */
    public StageTimes(
            int replicas, double forwardMillis, double backwardMillis, double weightMillis, double sendMillis) {
        this(replicas, forwardMillis, backwardMillis, weightMillis, sendMillis, 0);
    }

    /** A stage of which nothing can wait. */
    public StageTimes(int replicas, double forwardMillis, double backwardMillis, double sendMillis) {
        this(replicas, forwardMillis, backwardMillis, 0, sendMillis);
    }

    /** A stage with one replica, in memory that it shares with the others. */
    public static StageTimes of(double forwardMillis, double backwardMillis) {
        return new StageTimes(1, forwardMillis, backwardMillis, 0);
    }

    /** The same stage, of which groups of micro-batches run some more vertices. */
    public StageTimes with(GroupTimes times) {
        return new StageTimes(replicas, forwardMillis, backwardMillis, weightMillis, sendMillis, latencyMillis, times);
    }

    double millis(Task task, int microBatches, Schedule schedule) {
        boolean split = schedule.splitsBackward();
        double own =
                switch (task.pass()) {
                    case FORWARD -> forwardMillis;
                    case BACKWARD -> split ? backwardMillis - weightMillis : backwardMillis;
                    case WEIGHTS -> weightMillis;
                };
        return own + group.millis(task, microBatches, split);
    }
}
