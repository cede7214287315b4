package io.github.dl4jpipeline.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.dataset.MultiDataSet;

class ReadAheadTest {
    private final ComputationGraph graph = Networks.CONVOLUTIONS.graph();
    private final BatchCutter cutter = new BatchCutter(
            VertexGraph.of(graph), graph.getConfiguration(), EvenPlan.of(VertexGraph.of(graph), 1, 1, 1));

    private byte[] piece(int examples) {
        return cutter.piece(0, Networks.CONVOLUTIONS.batch(1, examples));
    }

    @Test
    void batchesComeInOrderWithoutThoseThatAreSkipped() {
        List<Long> examples = new ArrayList<>();
        try (ReadAhead batches =
                new ReadAhead(List.of(piece(1), piece(2), piece(3)).iterator(), 1)) {
            while (batches.hasNext()) {
                MicroBatch batch = batches.next();
                examples.add(batch.examples());
                BatchPiece.close(batch);
            }
        }
        assertThat(examples).containsExactly(2L, 3L);
    }

    @Test
    void theNextBatchIsReadBeforeItIsAskedFor() throws InterruptedException {
        CountDownLatch read = new CountDownLatch(2);
        Iterator<byte[]> pieces = List.of(piece(1), piece(2), piece(3)).iterator();
        Iterator<byte[]> counted = new Iterator<>() {
            @Override
            public boolean hasNext() {
                return pieces.hasNext();
            }

            @Override
            public byte[] next() {
                read.countDown();
                return pieces.next();
            }
        };
        try (ReadAhead ignored = new ReadAhead(counted, 0)) {
            assertThat(read.await(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void aBatchThatCannotBeTrainedFailsWhenItIsAskedFor() {
        byte[] refused = cutter.piece(0, new MultiDataSet());
        try (ReadAhead batches = new ReadAhead(List.of(piece(1), refused).iterator(), 0)) {
            BatchPiece.close(batches.next());
            assertThat(batches.hasNext()).isTrue();
            assertThatThrownBy(batches::next)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("The batch has no features");
        }
    }
}
