package io.github.dl4jpipeline.examples.compare;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.dataset.DataSet;

/** {@code fit} of a {@link PipelineComputationGraph}. */
final class PipelineFit implements MeasuredSystem {
    static final String PIPELINE = "pipeline";
    static final String ONE_CORE = "one-core";
    static final String ONE_STAGE = "one-stage";

    private final String name;
    private final PipelineComputationGraph net;
    private final DataSet batch;

    PipelineFit(String name, PipelineComputationGraph net, DataSet batch) {
        this.name = name;
        this.net = net;
        this.batch = batch;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String setting() {
        return "MicroBatches" + net.plan().microBatches();
    }

    @Override
    public int operationThreads() {
        return net.plan().stages().stream()
                .mapToInt(stage -> stage.device().threads())
                .max()
                .orElse(1);
    }

    @Override
    public void step() {
        net.fit(batch);
    }

    @Override
    public Map<String, Number> details() {
        PartitionPlan plan = net.plan();
        Map<String, Number> details = new LinkedHashMap<>();
        details.put("stages", plan.stages().size());
        details.put("replicas", plan.stages().get(0).replicas());
        details.put("microBatches", plan.microBatches());
        return details;
    }

    @Override
    public void close() {
        net.close();
    }
}
