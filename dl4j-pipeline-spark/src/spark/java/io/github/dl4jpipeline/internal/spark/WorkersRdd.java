package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.internal.cluster.PeerFailure;
import java.io.IOException;
import java.util.Collections;
import java.util.Iterator;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.Partition;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskContext$;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.rdd.RDD;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;
import scala.collection.JavaConverters;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * An RDD whose tasks are the workers. Each partition of its parent has the pieces of the batches for one of them, and is read anew in
 * each epoch. It has no elements itself.
 */
final class WorkersRdd extends RDD<byte[]> {
    private static final long serialVersionUID = 1;
    private static final ClassTag<byte[]> BYTES = ClassTag$.MODULE$.apply(byte[].class);

    private final Work work;

    private WorkersRdd(RDD<Tuple2<Tuple2<Integer, Long>, byte[]>> pieces, Work work) {
        super(pieces, BYTES);
        this.work = work;
    }

    /** Starts a barrier job with one task for each partition of the pieces. */
    static JavaFutureAction<?> start(RDD<Tuple2<Tuple2<Integer, Long>, byte[]>> pieces, Work work) {
        return new WorkersRdd(pieces, work)
                .barrier()
                .mapPartitions(new Unchanged(), false, BYTES)
                .toJavaRDD()
                .collectAsync();
    }

    /** Makes the stage a barrier stage. */
    private static final class Unchanged
            extends scala.runtime.AbstractFunction1<
                    scala.collection.Iterator<byte[]>, scala.collection.Iterator<byte[]>>
            implements java.io.Serializable {
        private static final long serialVersionUID = 1;

        @Override
        public scala.collection.Iterator<byte[]> apply(scala.collection.Iterator<byte[]> elements) {
            return elements;
        }
    }

    @Override
    public Partition[] getPartitions() {
        return parent().partitions();
    }

    @SuppressWarnings("unchecked") // the constructor has it so
    private RDD<Tuple2<Tuple2<Integer, Long>, byte[]>> parent() {
        return (RDD<Tuple2<Tuple2<Integer, Long>, byte[]>>)
                dependencies().head().rdd();
    }

    @Override
    public scala.collection.Iterator<byte[]> compute(Partition partition, TaskContext context) {
        IntFunction<Iterator<byte[]>> pieces = worker -> new Pieces(
                JavaConverters.asJavaIterator(parent().iterator(parent().partitions()[worker], context)), context);
        try {
            work.run(BarrierTaskContext.get(), pieces);
        } catch (IOException e) {
            throw new PeerFailure(e.getMessage() == null ? e.toString() : e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PeerFailure("interrupted", e);
        }
        return JavaConverters.asScalaIterator(Collections.emptyIterator());
    }

    /** What Spark has cut and sent. If it cannot be read, executors are lost that have written it. */
    private record Pieces(Iterator<Tuple2<Tuple2<Integer, Long>, byte[]>> source, TaskContext context)
            implements Iterator<byte[]> {
        @Override
        public boolean hasNext() {
            return read(source::hasNext);
        }

        @Override
        public byte[] next() {
            return read(() -> source.next()._2());
        }

        /** In any thread, which then belongs to the task. */
        private <T extends @Nullable Object> T read(Supplier<T> reading) {
            try {
                TaskContext$.MODULE$.setTaskContext(context);
                return reading.get();
            } catch (RuntimeException | Error e) {
                throw new PeerFailure("its pieces of the batches cannot be read: " + e, e);
            }
        }
    }
}
