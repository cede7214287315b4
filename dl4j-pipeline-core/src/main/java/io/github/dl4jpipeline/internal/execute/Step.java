package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.schedule.StepTasks;
import io.github.dl4jpipeline.internal.stage.JointMicroBatches;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.schedule.MovableWeights;
import io.github.dl4jpipeline.schedule.Task;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.nn.gradient.Gradient;
import org.jspecify.annotations.Nullable;

/**
 * One running step: which tasks are done, what they have yielded, and the first failure.
 *
 * <p>One monitor guards it all. It is entered a few times per task, and a task takes milliseconds.
 */
final class Step {
    private final StepRequest request;
    private final StepTasks tasks;
    private final List<MicroBatch> microBatches;
    private final ScoreSum score;
    private final @Nullable ActivationCapture capture;
    private final @Nullable JointMicroBatches joint;
    private final StepTimes times;

    /** Tasks that any worker may run; null if there are none. */
    private final @Nullable MovableWeights movable;

    private final Set<Task> done = new HashSet<>();
    private final Map<Integer, Gradient> gradients = new TreeMap<>();

    /** Workers that have not left. Who waits for them is not woken by each task. */
    private final CountDownLatch workers;

    private @Nullable Failure failure;

    /** Set with {@link #failure}, or alone when the step is called off; read without the monitor. */
    private volatile boolean stopped;

    /**
     * @param joint micro-batches that may wait for each other; null if they do not
     * @param movable tasks that any worker may run; null if there are none
     * @param workers how many take part here
     */
    Step(
            StepRequest request,
            StepTasks tasks,
            List<MicroBatch> microBatches,
            @Nullable ActivationCapture capture,
            @Nullable JointMicroBatches joint,
            @Nullable MovableWeights movable,
            int workers) {
        this.request = request;
        this.tasks = tasks;
        this.microBatches = microBatches;
        this.workers = new CountDownLatch(workers);
        this.score = new ScoreSum(request.batch().examples(), tasks.workers().stages());
        this.capture = capture;
        this.joint = joint;
        this.movable = movable;
        this.times = new StepTimes(tasks);
        if (joint != null) {
            joint.begin(microBatches);
        }
    }

    StepRequest request() {
        return request;
    }

    StepTasks tasks() {
        return tasks;
    }

    MicroBatch microBatch(int index) {
        return microBatches.get(index);
    }

    ScoreSum score() {
        return score;
    }

    @Nullable ActivationCapture capture() {
        return capture;
    }

    /** How long tasks of a micro-batch have waited so far for those of others that run at the same time. */
    long waitedNanos(int microBatch) {
        return joint == null ? 0 : joint.waitedNanos(microBatch);
    }

    StepTimes times() {
        return times;
    }

    /**
     * Waits until a worker can go on: with its next task, or, where that has to wait, with parameter gradients that another stage has
     * left.
     *
     * @param own the worker's next task; null if it has run all of its own
     * @param dependencies what must be done before that
     * @return the task, which the worker must run; empty if the step has stopped, another worker has taken its own, or nothing
     *     is left
     */
    synchronized Optional<Task> take(@Nullable Task own, List<Task> dependencies) throws InterruptedException {
        while (!stopped) {
            if (own == null ? movable == null || movable.allBegun() : movable != null && movable.hasBegun(own)) {
                return Optional.empty();
            }
            if (own != null && done.containsAll(dependencies) && isInTurn(own)) {
                return Optional.of(begin(own));
            }
            Task other = movable == null ? null : ready(movable);
            if (other != null) {
                return Optional.of(begin(other));
            }
            wait();
        }
        return Optional.empty();
    }

    private Task begin(Task task) {
        if (movable != null) {
            movable.begin(task);
        }
        return task;
    }

    /** The gradients of a stage are added up in order, whoever computes them. */
    private boolean isInTurn(Task task) {
        if (movable == null || task.pass() != Task.Pass.WEIGHTS) {
            return true;
        }
        Task before = movable.before(task);
        return before == null || done.contains(before);
    }

    /** Gradients that can be computed now; null if there are none. */
    private @Nullable Task ready(MovableWeights weights) {
        for (int stage = 0; stage < weights.stages(); stage++) {
            Task next = weights.next(stage);
            if (next != null && done.contains(Task.backward(stage, next.microBatch())) && isInTurn(next)) {
                return next;
            }
        }
        return null;
    }

    /** Waits until tasks are done. Returns false if the step has stopped. */
    synchronized boolean await(List<Task> tasks) throws InterruptedException {
        while (!stopped && !done.containsAll(tasks)) {
            wait();
        }
        return !stopped;
    }

    synchronized void done(Task task) {
        done.add(task);
        notifyAll();
    }

    synchronized void addGradients(Map<Integer, Gradient> ofStage) {
        gradients.putAll(ofStage);
    }

    /** By position, the gradients that the layers have returned: views of the sums. */
    synchronized Map<Integer, Gradient> gradients() {
        return gradients;
    }

    /** Stops the step; the first failure is kept. */
    synchronized void fail(Failure first) {
        if (!stopped) {
            failure = first;
        }
        stop();
    }

    /** Stops the step: workers leave it at the next vertex. */
    synchronized void stop() {
        stopped = true;
        notifyAll();
        if (joint != null) {
            joint.stop();
        }
    }

    boolean isStopped() {
        return stopped;
    }

    synchronized @Nullable Failure failure() {
        return failure;
    }

    /** A worker has left the step. */
    void workerLeft() {
        workers.countDown();
    }

    /** Waits until all workers have left, or for a time. Returns whether they have. */
    boolean awaitWorkers(long millis) throws InterruptedException {
        return workers.await(millis, TimeUnit.MILLISECONDS);
    }
}
