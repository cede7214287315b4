package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.schedule.Task;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Where the arrays of stages are: in memory that all devices share, or each in that of its device.
 *
 * <p>Calls with a task come from the worker that runs it.
 */
interface Placement extends AutoCloseable {
    /** Where a replica of a stage sums its gradients. */
    StageGradients gradients(int stage, int replica);

    /** What adds up the gradients of a stage's replicas while its workers run; null if that is done after the step. */
    @Nullable ReplicaSums replicaSums(int stage);

    /** The tasks that must be done before one can start. */
    List<Task> dependencies(Program program, Task task);

    /** The copy of the graph for a forward task, with what the stage reads. */
    GraphCopy begin(Step step, Task task);

    /** The copy that the forward task of the same micro-batch has used. */
    GraphCopy resume(Step step, Task task);

    /** A copy of what a vertex of a task has put out, on the host, for listeners. */
    INDArray copyToHost(int position, INDArray activation, Task task);

    /** The last task of a micro-batch in its stage is done. */
    void end(Step step, Task task);

    /** Frees the memory of micro-batches in flight, after a step that failed. */
    void reset();

    /** What the tiles of a micro-batch have taken; empty before the first step, and without tiles. */
    Optional<TileMeasurement> tileMeasurement();

    /** Bytes that a stage has reserved for micro-batches in flight, in all its replicas. */
    long bytes(int stage);

    @Override
    void close();
}
