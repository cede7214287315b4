package io.github.dl4jpipeline.cli.compare;

import java.util.Map;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;

/** Deeplearning4j's own {@code fit}, with a number of threads for each operation. */
record StockFit(ComputationGraph graph, DataSet batch, int operationThreads) implements MeasuredSystem {
    static final String NAME = "stock-fit";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void step() {
        try (OperationThreads ignored = OperationThreads.use(operationThreads)) {
            graph.fit(batch);
        }
    }

    @Override
    public Map<String, Object> details() {
        return Map.of();
    }

    /** Has nothing to end: the garbage collector takes the graph with its arrays. */
    @Override
    public void close() {}
}
