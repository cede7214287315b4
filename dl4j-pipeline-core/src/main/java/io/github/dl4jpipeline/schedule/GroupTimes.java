package io.github.dl4jpipeline.schedule;

/**
 * How long the last vertices of a stage take where several micro-batches run them as one. The forward task of a group's last
 * micro-batch takes longer by that, and the other tasks of its first one.
 *
 * @param size micro-batches of a group; 1 if there are no groups
 * @param forwardMillis time of a forward pass
 * @param backwardMillis time of a backward pass that is not split
 * @param weightMillis the part of it that parameter gradients take which can wait
 */
public record GroupTimes(int size, double forwardMillis, double backwardMillis, double weightMillis) {
    /** Every micro-batch runs all vertices alone. */
    public static final GroupTimes NONE = new GroupTimes(1, 0, 0, 0);

    public GroupTimes {
        if (size < 1) {
            throw new IllegalArgumentException("A group has at least 1 micro-batch, got " + size);
        }
    }

    /** What a task takes besides. */
    double millis(Task task, int microBatches, boolean split) {
        int place = task.microBatch() % size;
        boolean last = place == size - 1 || task.microBatch() == microBatches - 1;
        return switch (task.pass()) {
            case FORWARD -> last ? forwardMillis : 0;
            case BACKWARD -> place > 0 ? 0 : split ? backwardMillis - weightMillis : backwardMillis;
            case WEIGHTS -> place > 0 ? 0 : weightMillis;
        };
    }
}
