package io.github.dl4jpipeline.cli.io;

import java.io.PrintWriter;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * A progress bar for standard error. On a terminal it is redrawn in place; elsewhere, such as in a log file, it is a line
 * every ten seconds.
 */
public final class Progress implements AutoCloseable {
    /** System property with the width of the terminal that standard error goes to; unset where it is none. */
    static final String TERMINAL_WIDTH = "dl4jpipeline.terminal.width";

    private static final int TERMINAL_MILLIS = 200;
    private static final int LOG_MILLIS = 10_000;
    private static final int LOG_WIDTH = 110;

    private final ProgressBar bar;
    private boolean paused;

    /**
     * A bar that is drawn from now on.
     *
     * @param task what it is about
     * @param total number of steps to the end
     */
    public Progress(PrintWriter err, String task, long total) {
        int width = Integer.getInteger(TERMINAL_WIDTH, 0);
        bar = new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(total)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(width > 0 ? TERMINAL_MILLIS : LOG_MILLIS)
                .setConsumer(width > 0 ? new InPlace(err, width - 1) : new Lines(err))
                .build();
    }

    /** Goes to a step, counted from 0. */
    public void to(long step) {
        bar.stepTo(step);
    }

    /** Goes one step on, with something to say. */
    public void step(String message) {
        bar.setExtraMessage(message);
        bar.step();
    }

    /** Counts no time, and draws nothing, until {@link #resume}. */
    public void pause() {
        if (!paused) {
            bar.pause();
            paused = true;
        }
    }

    /** Counts time again, if it did not. */
    public void resume() {
        if (paused) {
            bar.resume();
            paused = false;
        }
    }

    /** Draws the bar for the last time. */
    @Override
    public void close() {
        bar.close();
    }

    private record InPlace(PrintWriter err, int getMaxRenderedLength) implements ProgressBarConsumer {
        @Override
        public void accept(String rendered) {
            err.print("\r" + rendered);
            err.flush();
        }

        @Override
        public void close() {
            err.println();
            err.flush();
        }
    }

    private static final class Lines implements ProgressBarConsumer {
        private final PrintWriter err;
        private String last = "";

        Lines(PrintWriter err) {
            this.err = err;
        }

        @Override
        public int getMaxRenderedLength() {
            return LOG_WIDTH;
        }

        @Override
        public void accept(String rendered) {
            if (!rendered.equals(last)) {
                err.println(rendered.stripTrailing());
                err.flush();
            }
            last = rendered;
        }

        @Override
        public void close() {
            err.flush();
        }
    }
}
