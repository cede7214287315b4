package io.github.dl4jpipeline.cli.compare;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.cli.TinyModel;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

class ParallelWrapperFitTest {

    @Test
    void aStepIsOneIterationOfTheGraph() {
        ComputationGraph graph = TinyModel.graph(10);
        INDArray initial = graph.params().dup();
        try (ParallelWrapperFit fit = new ParallelWrapperFit(
                graph, RandomBatch.of(NamedModel.ofCifar("lenet", 1).shape(), 5, 1), 2)) {
            assertThat(graph.getIterationCount()).isZero();
            fit.step();
            assertThat(graph.getIterationCount()).isEqualTo(1);
            assertThat(graph.params()).isNotEqualTo(initial);
            fit.step();
            assertThat(graph.getIterationCount()).isEqualTo(2);
        }
    }
}
