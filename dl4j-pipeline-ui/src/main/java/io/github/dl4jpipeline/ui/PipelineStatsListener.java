package io.github.dl4jpipeline.ui;

import io.github.dl4jpipeline.PipelineListener;
import io.github.dl4jpipeline.profile.ProfilingProgress;
import java.time.Duration;
import java.util.Locale;
import java.util.UUID;
import org.deeplearning4j.core.storage.StatsStorageRouter;
import org.jspecify.annotations.Nullable;

/**
 * Stores what the page of {@link PipelineModule} shows: in a storage of this process, in a file, or through a
 * {@code RemoteUIStatsStorageRouter} at a server elsewhere, which then needs this module too.
 *
 * <p>By default it stores at most once a second. The present state replaces the one before it; a point of the curves is added. After
 * every {@value #POINTS} points they come half as often, so that a long run does not fill the storage. Give it to one pipeline only, and
 * close it after training, so that the last step is stored.
 */
public final class PipelineStatsListener implements PipelineListener, AutoCloseable {
    private static final int POINTS = 1000;
    private static final Duration USUAL = Duration.ofSeconds(1);

    private final StatsStorageRouter storage;
    private final String session;
    private final String worker = "pipeline-" + ProcessHandle.current().pid();
    private final RunState state = new RunState();
    private final long everyNanos;
    private long pointNanos;

    private boolean stored;
    private @Nullable StepDone unsent;
    private long storedNanos;
    private long lastMillis;
    private int points;

    private long pointSince;
    private long steps;
    private long step;
    private long examples;
    private double scores;
    private double busy;

    /** Stores under a session of its own. */
    public PipelineStatsListener(StatsStorageRouter storage) {
        this(storage, UUID.randomUUID().toString(), USUAL);
    }

    /**
     * Stores under a session that has a name.
     *
     * @param session under which the run is stored. A {@code StatsListener} needs another one: Deeplearning4j's pages show one worker of a
     *     session, and would take this for it
     * @param every the least time between two states; zero stores each step
     */
    public PipelineStatsListener(StatsStorageRouter storage, String session, Duration every) {
        if (storage == null || session == null || session.isEmpty() || every == null || every.isNegative()) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "The page needs a storage, a session with a name and a time that is not negative, got %s, '%s' and %s",
                    storage,
                    session,
                    every));
        }
        this.storage = storage;
        this.session = session;
        this.everyNanos = every.toNanos();
        this.pointNanos = everyNanos;
    }

    /** Under which the run is stored. */
    public String session() {
        return session;
    }

    @Override
    public synchronized void profiling(ProfilingProgress progress) {
        state.profiling(progress);
        store(false);
    }

    @Override
    public synchronized void planChosen(PlanChosen event) {
        state.chosen(event);
        store(true);
    }

    @Override
    public synchronized void planChanged(PlanChanged event) {
        state.changed(event);
        store(true);
    }

    @Override
    public synchronized void stepDone(StepDone event) {
        if (steps == 0 && pointSince == 0) {
            pointSince = System.nanoTime() - Math.round(event.wholeMillis() * 1e6);
        }
        steps++;
        step = event.step();
        examples += event.examples();
        scores += event.score();
        busy += event.timeline().map(timeline -> 1 - timeline.tasks().bubble()).orElse(Double.NaN);
        if (!stored || System.nanoTime() - storedNanos >= everyNanos) {
            state.step(event);
            store(true);
        } else {
            unsent = event;
        }
        if (System.nanoTime() - pointSince >= pointNanos) {
            point();
        }
    }

    @Override
    public synchronized void trainingFailed(TrainingFailed event) {
        state.failed(event);
        store(true);
    }

    /** Stores the last step. */
    @Override
    public synchronized void close() {
        StepDone last = unsent;
        if (last != null) {
            state.step(last);
        }
        if (steps > 0) {
            point();
        }
        state.ended();
        store(true);
    }

    private void store(boolean now) {
        long nanos = System.nanoTime();
        if (now || !stored || nanos - storedNanos >= everyNanos) {
            storage.putStaticInfo(new PipelineStats(session, worker, System.currentTimeMillis(), state.json()));
            stored = true;
            storedNanos = nanos;
            unsent = null;
        }
    }

    /** The mean of the steps since the point before. */
    private void point() {
        long nanos = System.nanoTime();
        double seconds = Math.max(1e-9, (nanos - pointSince) / 1e9);
        // An array: step, score, examples a second, use of the workers. What is no number is text.
        String json = "[" + step + "," + number(scores / steps) + "," + number(examples / seconds) + ","
                + number(busy / steps) + "]";
        lastMillis = Math.max(lastMillis + 1, System.currentTimeMillis()); // a storage keeps one for each millisecond
        storage.putUpdate(new PipelineStats(session, worker, lastMillis, json));
        pointSince = nanos;
        steps = 0;
        examples = 0;
        scores = 0;
        busy = 0;
        points++;
        if (points % POINTS == 0) {
            pointNanos = Math.max(2 * pointNanos, 1_000_000);
        }
    }

    private static String number(double value) {
        return Double.isFinite(value) ? Double.toString(value) : "null";
    }
}
