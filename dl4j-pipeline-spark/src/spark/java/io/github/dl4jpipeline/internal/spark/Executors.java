package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.exception.PipelineException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The executors of an application: which have gone, and whether there are enough. */
final class Executors implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Executors.class);
    private static final Duration REMOVAL = Duration.ofMinutes(1);
    private static final Duration GRACE = Duration.ofSeconds(2);

    /** Executors start at about the same time. */
    private static final Duration NO_OTHER = Duration.ofSeconds(3);

    private final JavaSparkContext sc;
    private final Set<String> removed = ConcurrentHashMap.newKeySet();
    private final SparkListener listener = new SparkListener() {
        @Override
        public void onExecutorRemoved(SparkListenerExecutorRemoved event) {
            removed.add(event.executorId());
        }
    };

    Executors(JavaSparkContext sc) {
        this.sc = sc;
        sc.sc().addSparkListener(listener);
    }

    /** Waits until Spark has removed executors that are lost. One that hangs is killed, so that another takes its place. */
    void replace(Set<String> lost) {
        for (String executor : lost) {
            if (executor.equals("driver") || await(GRACE, () -> removed.contains(executor))) {
                continue;
            }
            log.warn("Executor {} is not heard of; asking the cluster for another in its place", executor);
            sc.sc().killAndReplaceExecutor(executor);
            if (!await(REMOVAL, () -> removed.contains(executor))) {
                log.warn("Executor {} has not been removed within {} s", executor, REMOVAL.toSeconds());
            }
        }
    }

    /**
     * Waits until so many tasks can run at the same time.
     *
     * @throws PipelineException if they cannot in time
     */
    void awaitSlots(int workers, Duration limit) {
        if (!await(limit, () -> slots() >= workers)) {
            throw new PipelineException(
                    workers + " workers (stages times replicas) are as many tasks of "
                            + sc.getConf().getInt("spark.task.cpus", 1)
                            + " cores each (spark.task.cpus), but the cluster has room for only " + slots() + " after "
                            + limit.toSeconds() + " s; start more executors, or ask for fewer stages or replicas",
                    null);
        }
    }

    /**
     * Waits until executors are there that will be: as many as Spark's settings ask for, or until no other has come for some time.
     *
     * @param least there must be room for so many workers
     * @throws PipelineException if there is not in time
     */
    void awaitAll(int least, Duration limit) {
        awaitSlots(least, limit);
        int before = 0;
        int now = slots();
        while (now > before && now < asked()) {
            before = now;
            int known = before;
            await(NO_OTHER, () -> slots() > known);
            now = slots();
        }
    }

    /** How many tasks can run at the same time with as many executors as are asked for; 1 with local workers, which are there. */
    private int asked() {
        SparkConf conf = sc.getConf();
        int cpus = conf.getInt("spark.task.cpus", 1);
        if (sc.isLocal()) {
            return 1;
        }
        if (conf.contains("spark.cores.max")) {
            return conf.getInt("spark.cores.max", 1) / cpus;
        }
        return conf.contains("spark.executor.instances")
                ? conf.getInt("spark.executor.instances", 1) * (conf.getInt("spark.executor.cores", 1) / cpus)
                : Integer.MAX_VALUE;
    }

    /** How many tasks can run at the same time, as Spark itself counts before a barrier job. */
    int slots() {
        return sc.sc().maxNumConcurrentTasks(sc.sc().resourceProfileManager().defaultResourceProfile());
    }

    private static boolean await(Duration limit, BooleanSupplier done) {
        long end = System.nanoTime() + limit.toNanos();
        while (!done.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                return false;
            }
            try {
                Thread.sleep(100);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new PipelineException("Interrupted while waiting for executors", e);
            }
        }
        return true;
    }

    @Override
    public void close() {
        sc.sc().removeSparkListener(listener);
    }
}
