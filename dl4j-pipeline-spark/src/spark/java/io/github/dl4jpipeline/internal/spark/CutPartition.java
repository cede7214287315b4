package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.internal.cluster.BatchCutter;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.spark.api.java.function.Function2;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import scala.Tuple2;

/** Cuts the batches of one partition, one after the other, into a piece for each worker. */
final class CutPartition
        implements Function2<Integer, Iterator<MultiDataSet>, Iterator<Tuple2<Tuple2<Integer, Long>, byte[]>>> {
    private static final long serialVersionUID = 1;

    private final BatchCutter cutter;

    CutPartition(BatchCutter cutter) {
        this.cutter = cutter;
    }

    @Override
    public Iterator<Tuple2<Tuple2<Integer, Long>, byte[]>> call(Integer partition, Iterator<MultiDataSet> batches) {
        return new Iterator<>() {
            private MultiDataSet batch;
            private long index = -1;
            private int worker = cutter.workers();

            @Override
            public boolean hasNext() {
                return worker < cutter.workers() || batches.hasNext();
            }

            @Override
            public Tuple2<Tuple2<Integer, Long>, byte[]> next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                if (worker == cutter.workers()) {
                    batch = batches.next();
                    index++;
                    worker = 0;
                }
                Tuple2<Integer, Long> key = PieceKey.of(worker, partition, index);
                return new Tuple2<>(key, cutter.piece(worker++, batch));
            }
        };
    }
}
