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
 */
public record StageTimes(
        int replicas,
        double forwardMillis,
        double backwardMillis,
        double weightMillis,
        double sendMillis,
        double latencyMillis) {

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

    double millis(Task.Pass pass, Schedule schedule) {
        return switch (pass) {
            case FORWARD -> forwardMillis;
            case BACKWARD -> schedule.splitsBackward() ? backwardMillis - weightMillis : backwardMillis;
            case WEIGHTS -> weightMillis;
        };
    }
}
