package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.device.DeviceRuntimes;
import io.github.dl4jpipeline.internal.device.WorkerThread;
import io.github.dl4jpipeline.internal.engine.GradientTurn;
import io.github.dl4jpipeline.internal.memory.StageMemory;
import io.github.dl4jpipeline.internal.stage.BackwardResult;
import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.stage.MicroBatchGroup;
import io.github.dl4jpipeline.internal.stage.VertexObserver;
import io.github.dl4jpipeline.schedule.Task;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.deeplearning4j.nn.gradient.Gradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs the tasks of one replica of a stage, or of several stages that share it, one step after another. Where there are several
 * workers, each has a thread that is bound to its device and lives as long as the pipeline.
 */
final class StageWorker {
    private final int number;
    private final Map<Integer, StageReplica> replicas = new HashMap<>();
    /** Stages of other workers, of which it may run parameter gradients. */
    private final Map<Integer, StageReplica> others = new HashMap<>();

    private final StageReplica first;
    private final Device device;
    private final DeviceRuntime runtime;
    private final VertexGraph vertices;

    /** It has one step at a time. How far workers are apart within a step is bounded by the schedule. */
    private final WorkerThread thread;

    /** Where the worker is, for errors and the watchdog. */
    private volatile int position;

    private volatile Task current;

    private final AtomicLong verticesBegun = new AtomicLong();

    /**
     * @param replicas what it runs: a replica of a stage, or several stages without replicas, by stage
     * @param others stages of other workers, of which it may run parameter gradients
     */
    StageWorker(
            WorkerThread thread,
            int number,
            List<StageReplica> replicas,
            List<StageReplica> others,
            Device device,
            VertexGraph vertices) {
        this.number = number;
        replicas.forEach(replica -> this.replicas.put(replica.stage(), replica));
        others.forEach(other -> this.others.put(other.stage(), other));
        this.first = replicas.get(0);
        this.device = device;
        this.runtime = DeviceRuntimes.of(device);
        this.vertices = vertices;
        this.thread = thread;
        this.current = firstTask();
    }

    private Task firstTask() {
        return Task.forward(first.stage(), first.replica());
    }

    /** Gives the worker its part of a step. If it has been closed, the step stops. */
    void submit(Step step) {
        if (!thread.execute(() -> runTasks(step), failure -> couldNotBegin(step, failure))) {
            step.stop();
            step.workerLeft();
        }
    }

    /** The thread could not be bound to its device. */
    private void couldNotBegin(Step step, Throwable failure) {
        try {
            fail(step, firstTask(), failure);
        } finally {
            step.workerLeft();
        }
    }

    /** Takes no more steps than the one that it runs. */
    void close() {
        thread.close();
    }

    Device device() {
        return device;
    }

    /** The thread that runs its tasks; null if it is in none. */
    @Nullable Thread thread() {
        return thread.thread();
    }

    /** Waits until it has left its last step, after {@link #close}. Returns whether it has. */
    boolean awaitEnd(long millis) throws InterruptedException {
        return thread.awaitEnd(millis);
    }

    /** Ends a step that it hangs in, as a failure of the vertex where it is. */
    void giveUp(Step step, Throwable reason) {
        fail(step, current, reason);
    }

    /** Number of vertices begun so far; it stands still while the worker waits or hangs. */
    long verticesBegun() {
        return verticesBegun.get();
    }

    /** Leaves the step in any case. */
    private void runTasks(Step step) {
        current = firstTask();
        try {
            replicas.values().forEach(replica -> replica.memory().beginStep());
            Iterator<Task> tasks = step.tasks().byWorker().get(number).iterator();
            Task own = tasks.hasNext() ? tasks.next() : null;
            while (!step.isStopped()) {
                Optional<Task> taken = step.take(
                        own, own == null ? List.of() : replica(own).memory().dependencies(own));
                if (taken.isPresent()) {
                    current = taken.get();
                    runTimed(step, current);
                } else if (own == null) {
                    break;
                }
                if (taken.isEmpty() || current.equals(own)) { // another worker has taken it, or it is done
                    own = tasks.hasNext() ? tasks.next() : null;
                }
            }
            if (!step.isStopped()) {
                addReplicas(step);
            }
        } catch (CancellationException e) {
            if (!step.isStopped()) {
                fail(step, current, e);
            }
        } catch (Throwable e) {
            fail(step, current, e);
        } finally {
            step.workerLeft();
        }
    }

    private void runTimed(Step step, Task task) {
        StageReplica replica = replica(task);
        TaskEvent event = new TaskEvent();
        event.begin();
        long start = System.nanoTime();
        long waitedBefore = step.waitedNanos(task.microBatch());
        runTask(step, task, replica);
        runtime.synchronize();
        long waited = step.waitedNanos(task.microBatch()) - waitedBefore;
        long end = System.nanoTime();
        replica.busyNanos().addAndGet(end - start - waited);
        step.times().add(number, task, start, end);
        event.done(step.request().iteration(), task);
        step.done(task);
    }

    /** Runs something between two steps, where this worker runs its tasks. */
    CompletableFuture<@Nullable Void> call(Runnable work) {
        return thread.<@Nullable Void>offer(() -> {
                    work.run();
                    return null;
                })
                .orElseGet(() -> CompletableFuture.failedFuture(new IllegalStateException("This pipeline is closed")));
    }

    /** Adds up this worker's share of what the replicas of its stage have summed, when all of them have. */
    private void addReplicas(Step step) throws InterruptedException {
        int active = step.tasks().activeReplicas(first.stage());
        if (active > 1
                && first.memory().addsReplicasInStep()
                && first.replica() < active
                && step.await(step.tasks().lastTasks(first.stage()))) {
            long start = System.nanoTime();
            first.memory().addReplicas(active);
            first.busyNanos().addAndGet(System.nanoTime() - start);
        }
    }

    private StageReplica replica(Task task) {
        StageReplica own = replicas.get(task.stage());
        return own == null ? others.get(task.stage()) : own;
    }

    private void fail(Step step, Task task, Throwable cause) {
        step.fail(new Failure(
                task,
                step.tasks().microBatches(),
                device.id(),
                vertices.get(position).name(),
                cause));
    }

    private void runTask(Step step, Task task, StageReplica replica) {
        StageMemory memory = replica.memory();
        int microBatch = task.microBatch();
        Observer observer = new Observer(step, task, memory);
        MicroBatchGroup group = replica.group() == null ? null : memory.group(microBatch);
        if (task.pass() == Task.Pass.FORWARD) {
            replica.runner().forward(memory.begin(microBatch), observer);
            if (group != null && group.last() == microBatch) {
                replica.group().forward(memory.begin(group), memory.members(group), observer);
            }
            return;
        }
        if (group != null && group.first() == microBatch) {
            runGroup(step, task, replica, group, observer);
        }
        long examples = step.microBatch(microBatch).examples();
        GraphCopy copy = memory.resume(microBatch, turn(step, task, task, examples));
        if (task.pass() == Task.Pass.BACKWARD) {
            double regularization = regularization(step);
            BackwardResult result = step.tasks().splitsBackward()
                    ? replica.runner().backwardWithoutWeights(copy, regularization, observer)
                    : replica.runner().backward(copy, regularization, observer);
            collect(step, task, replica, result, examples);
        } else {
            collect(step, task, replica, replica.weightRunner().weights(copy, observer));
        }
        if (step.tasks().isLastOfStage(task)) {
            memory.end(microBatch);
        }
    }

    /** Runs the last vertices of the stage backward, before those of the first micro-batch of a group. */
    private static void runGroup(
            Step step, Task task, StageReplica replica, MicroBatchGroup group, VertexObserver observer) {
        StageMemory memory = replica.memory();
        long examples = group.examples().examples();
        Task last = new Task(task.pass(), task.stage(), group.last());
        GraphCopy copy = memory.resume(group, turn(step, task, last, examples));
        if (task.pass() == Task.Pass.BACKWARD) {
            BackwardResult result = replica.group()
                    .backward(
                            copy,
                            memory.members(group),
                            regularization(step),
                            step.tasks().splitsBackward(),
                            observer);
            collect(step, task, replica, result, examples);
        } else {
            collect(step, task, replica, replica.weightGroup().weights(copy, observer));
        }
        if (step.tasks().isLastOfStage(task)) {
            memory.end(group);
        }
    }

    /** The regularization term that the output adds to its score; 0 if it is added to the sum of several micro-batches. */
    private static double regularization(Step step) {
        return step.tasks().microBatches() == 1 ? step.request().regularization() : 0;
    }

    /**
     * The place of some examples among those of the stage.
     *
     * @param first the task of their first micro-batch
     * @param last the task of their last micro-batch
     */
    private static GradientTurn turn(Step step, Task first, Task last, long examples) {
        long later = step.tasks().after(last).stream()
                .mapToLong(other -> step.microBatch(other.microBatch()).examples())
                .sum();
        return new GradientTurn(step.tasks().isFirst(first), examples, later);
    }

    private static void collect(Step step, Task task, StageReplica replica, BackwardResult result, long examples) {
        boolean first = step.tasks().isFirst(task);
        replica.memory().collect(result, first, examples);
        step.score().add(task.microBatch(), replica.stage(), result.scores(), examples);
        addGradients(step, replica, result.gradients(), first);
    }

    private static void collect(Step step, Task task, StageReplica replica, Map<Integer, Gradient> gradients) {
        boolean first = step.tasks().isFirst(task);
        replica.memory().collect(gradients, first);
        addGradients(step, replica, gradients, first);
    }

    private static void addGradients(Step step, StageReplica replica, Map<Integer, Gradient> gradients, boolean first) {
        if (first && replica.replica() == 0) {
            step.addGradients(gradients);
        }
    }

    /** Follows the vertices of one task. */
    private final class Observer implements VertexObserver {
        private final Step step;
        private final Task task;
        private final StageMemory memory;
        private final @Nullable ActivationCapture capture;

        Observer(Step step, Task task, StageMemory memory) {
            this.step = step;
            this.task = task;
            this.memory = memory;
            this.capture = step.capture();
        }

        @Override
        public void begin(int next) {
            if (thread.isInterrupted()) {
                step.stop();
            }
            if (step.isStopped()) {
                throw new CancellationException("The step has been stopped");
            }
            position = next;
            verticesBegun.incrementAndGet();
        }

        @Override
        public void forwardDone(int done, long bytes, Supplier<INDArray> activation) {
            if (capture != null) {
                capture.add(done, task.microBatch(), memory.copyToHost(done, activation.get()));
            }
        }
    }
}
