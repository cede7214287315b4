package io.github.dl4jpipeline.internal.spark;

import java.io.Serializable;
import java.util.Comparator;
import org.apache.spark.Partitioner;
import scala.Tuple2;

/**
 * The keys of pieces of batches: the worker that a piece is for, and the place of its batch in the RDD. They are Scala's pairs, which
 * all of Spark's serializers know.
 */
final class PieceKey {
    private static final int BITS_OF_INDEX = 40;

    private PieceKey() {}

    static Tuple2<Integer, Long> of(int worker, int partition, long index) {
        return new Tuple2<>(worker, ((long) partition << BITS_OF_INDEX) + index);
    }

    /** By worker, then in the order of the RDD. */
    static final class Order implements Comparator<Tuple2<Integer, Long>>, Serializable {
        private static final long serialVersionUID = 1;

        @Override
        public int compare(Tuple2<Integer, Long> first, Tuple2<Integer, Long> second) {
            int byWorker = Integer.compare(first._1(), second._1());
            return byWorker != 0 ? byWorker : Long.compare(first._2(), second._2());
        }
    }

    /** One partition for each worker. */
    static final class OfWorkers extends Partitioner {
        private static final long serialVersionUID = 1;

        private final int workers;

        OfWorkers(int workers) {
            this.workers = workers;
        }

        @Override
        public int numPartitions() {
            return workers;
        }

        @Override
        public int getPartition(Object key) {
            return (Integer) ((Tuple2<?, ?>) key)._1();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof OfWorkers partitioner && partitioner.workers == workers;
        }

        @Override
        public int hashCode() {
            return workers;
        }
    }
}
