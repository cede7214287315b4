package io.github.dl4jpipeline.cli.compare;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.nd4j.linalg.dataset.DataSet;

/** {@code fit} of a {@link PipelineComputationGraph}. */
final class PipelineFit implements MeasuredSystem {
    static final String PIPELINE = "pipeline";
    static final String ONE_CORE = "one-core";
    static final String ONE_STAGE = "one-stage";

    /** Plans are tried in fewer. */
    private static final int MOST_TRIAL_STEPS = 2_000;

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

    /** Also waits until the pipeline has chosen its plan. */
    @Override
    public void warmUp() {
        step();
        for (int more = 0; more < MOST_TRIAL_STEPS && !net.report().settled(); more++) {
            step();
        }
    }

    @Override
    public Map<String, Object> details() {
        PartitionPlan plan = net.plan();
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("plan", plan.kind().toString());
        details.put("stages", plan.stages().size());
        details.put("replicas", plan.stages().get(0).replicas());
        details.put("microBatches", plan.microBatches());
        String tried = net.report().measured().stream()
                .map(other ->
                        String.format(Locale.ROOT, "%s %.1f ms", other.plan().kind(), other.stepMillis()))
                .collect(Collectors.joining(", "));
        if (!tried.isEmpty()) {
            details.put("tried", tried);
        }
        return details;
    }

    @Override
    public void close() {
        net.close();
    }
}
