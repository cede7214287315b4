package io.github.dl4jpipeline.internal.inference;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.tiling.TileSetup;
import io.github.dl4jpipeline.internal.tiling.TileThreads;
import io.github.dl4jpipeline.internal.tiling.TiledRegion;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runs a graph forward with some vertices in tiles, on all devices at the same time; the others on the first device. */
final class TiledInference implements AutoCloseable {
    private final DeviceWorkers workers;
    private final TileThreads crew;
    private final ForwardPass pass;

    TiledInference(ComputationGraph graph, Devices devices, KernelChoice code, TiledRegion region) {
        workers = new DeviceWorkers(devices);
        crew = new TileThreads("inference", devices.list().subList(1, devices.size()));
        ForwardSchedule schedule = ForwardSchedule.sequential(VertexGraph.of(graph));
        pass = new ForwardPass(graph, code, schedule, workers, new TileSetup(region, crew));
    }

    INDArray[] outputs(MicroBatch batch, @Nullable MemoryWorkspace target) {
        return pass.outputs(batch, target);
    }

    @Override
    public void close() {
        pass.close();
        workers.close();
        crew.close();
    }
}
