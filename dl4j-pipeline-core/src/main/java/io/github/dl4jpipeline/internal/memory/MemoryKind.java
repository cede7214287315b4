package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.internal.engine.Engine;
import io.github.dl4jpipeline.internal.engine.PackedWeights;
import io.github.dl4jpipeline.internal.stage.GraphCopier;
import java.util.function.Consumer;
import java.util.function.Function;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * Where the stages on some devices have their memory: what a pipeline can do there, and how it gets it. Only this class asks
 * whether devices share memory. Everybody else asks for what they need, or calls the memory that {@link #maker} makes.
 *
 * @param check throws {@link io.github.dl4jpipeline.exception.UnsupportedGraphException} if the parameters of a graph cannot be
 *     there
 * @param sharesTiles whether several devices can run the tiles of a stage
 * @param joinsStatistics whether micro-batches that run at the same time can take the statistics of a batch normalization
 *     together
 * @param hasRoomForAnyPlan whether any plan's stages fit, so that one plan may take the place of another at any time
 * @param groupsMicroBatches whether a stage can run its last vertices for several micro-batches as one
 * @param servesInference whether all devices can run inference with the parameters as they are
 */
public record MemoryKind(
        Consumer<ComputationGraph> check,
        boolean sharesTiles,
        boolean joinsStatistics,
        boolean hasRoomForAnyPlan,
        boolean groupsMicroBatches,
        boolean servesInference,
        Maker maker) {

    /** Makes the memory of a pipeline. */
    @FunctionalInterface
    public interface Maker {
        /** The memory for a setup, whose owner has these threads. */
        PipelineMemory make(PipelineMemory.Setup setup, PipelineMemory.Threads threads);
    }

    private static final MemoryKind SHARED =
            new MemoryKind(graph -> {}, true, true, true, true, true, SharedMemory::new);

    /** That of the devices of a runtime, where all workers are in this process. */
    public static MemoryKind of(DeviceRuntime runtime) {
        return runtime.sharesMemory() ? SHARED : apart(runtime, false);
    }

    /** That of a worker whose peers are in other processes, so that it has memory of its own on any device. */
    public static MemoryKind amongPeers(DeviceRuntime runtime) {
        return apart(runtime, runtime.sharesMemory());
    }

    /** The engine runs where the device is the host, as among peers. */
    private static MemoryKind apart(DeviceRuntime runtime, boolean groupsMicroBatches) {
        Function<PackedWeights, Engine> engine = runtime.sharesMemory() ? Engine::of : packed -> Engine.NONE;
        return new MemoryKind(
                GraphCopier::requireParametersOfLayers,
                false,
                false,
                false,
                groupsMicroBatches,
                false,
                (setup, threads) -> new DeviceMemory(runtime, engine, groupsMicroBatches, setup, threads));
    }
}
