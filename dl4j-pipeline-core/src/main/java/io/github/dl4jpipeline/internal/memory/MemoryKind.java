package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.exception.UnsupportedGraphException;
import io.github.dl4jpipeline.internal.stage.GraphCopier;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * Where the stages on some devices have their memory: what a pipeline can do there, and how it gets it. Only {@link #of} asks
 * whether devices share memory. Everybody else asks for what they need, or calls the memory that {@link #create} makes.
 */
public abstract class MemoryKind {
    private MemoryKind() {}

    /** That of the devices of a runtime. */
    public static MemoryKind of(DeviceRuntime runtime) {
        return runtime.sharesMemory() ? new Shared() : new OfEachDevice(runtime);
    }

    /**
     * Checks that stages can have the graph's parameters there.
     *
     * @throws UnsupportedGraphException if not
     */
    public abstract void requireSupported(ComputationGraph graph);

    /** Whether several devices can run the tiles of a stage. */
    public abstract boolean sharesTiles();

    /** Whether micro-batches that run at the same time can take the statistics of a batch normalization together. */
    public abstract boolean joinsStatistics();

    /** Whether any plan's stages fit, so that one plan may take the place of another at any time. */
    public abstract boolean hasRoomForAnyPlan();

    /** Whether all devices can run inference with the parameters as they are. */
    public abstract boolean servesInference();

    /** Makes the memory of a pipeline. */
    public abstract PipelineMemory create(PipelineMemory.Setup setup, PipelineMemory.Threads threads);

    /** All devices use the host's arrays. */
    private static final class Shared extends MemoryKind {
        @Override
        public void requireSupported(ComputationGraph graph) {
            // the parameters stay where they are
        }

        @Override
        public boolean sharesTiles() {
            return true;
        }

        @Override
        public boolean joinsStatistics() {
            return true;
        }

        @Override
        public boolean hasRoomForAnyPlan() {
            return true;
        }

        @Override
        public boolean servesInference() {
            return true;
        }

        @Override
        public PipelineMemory create(PipelineMemory.Setup setup, PipelineMemory.Threads threads) {
            return new SharedMemory(setup, threads);
        }
    }

    /** Each device has memory of its own. */
    private static final class OfEachDevice extends MemoryKind {
        private final DeviceRuntime runtime;

        OfEachDevice(DeviceRuntime runtime) {
            this.runtime = runtime;
        }

        @Override
        public void requireSupported(ComputationGraph graph) {
            GraphCopier.requireParametersOfLayers(graph);
        }

        @Override
        public boolean sharesTiles() {
            return false;
        }

        /** Each micro-batch would wait for sums in the memory of others. */
        @Override
        public boolean joinsStatistics() {
            return false;
        }

        @Override
        public boolean hasRoomForAnyPlan() {
            return false;
        }

        @Override
        public boolean servesInference() {
            return false;
        }

        @Override
        public PipelineMemory create(PipelineMemory.Setup setup, PipelineMemory.Threads threads) {
            return new DeviceMemory(runtime, setup, threads);
        }
    }
}
