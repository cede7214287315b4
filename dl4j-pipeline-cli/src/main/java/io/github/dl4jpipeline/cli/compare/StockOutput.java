package io.github.dl4jpipeline.cli.compare;

import java.util.Map;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;

/** Deeplearning4j's own {@code output}, with a number of threads for each operation. */
record StockOutput(ComputationGraph graph, DataSet batch, int operationThreads) implements MeasuredSystem {

    @Override
    public String name() {
        return "stock-output";
    }

    @Override
    public void step() {
        try (OperationThreads ignored = OperationThreads.use(operationThreads)) {
            graph.outputSingle(batch.getFeatures());
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
