package io.github.dl4jpipeline.cli.compare;

import io.github.dl4jpipeline.PipelineComputationGraph;
import java.util.Map;
import org.nd4j.linalg.dataset.DataSet;

/** {@code output} of a {@link PipelineComputationGraph}, with one thread on each device. */
record PipelineOutput(PipelineComputationGraph net, DataSet batch) implements MeasuredSystem {

    @Override
    public String name() {
        return PipelineFit.PIPELINE;
    }

    @Override
    public int operationThreads() {
        return 1;
    }

    @Override
    public void step() {
        net.outputSingle(batch.getFeatures());
    }

    @Override
    public Map<String, Object> details() {
        return Map.of();
    }

    @Override
    public void close() {
        net.close();
    }
}
