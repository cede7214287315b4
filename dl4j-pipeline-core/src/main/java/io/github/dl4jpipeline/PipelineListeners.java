package io.github.dl4jpipeline;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls the listeners of a pipeline, and keeps what they do from training. */
final class PipelineListeners {
    private static final Logger log = LoggerFactory.getLogger(PipelineListener.class);

    /** The first slow call is let pass: it loads classes. */
    private static final int SLOW_CALLS = 2;

    private final CopyOnWriteArrayList<Guarded> left = new CopyOnWriteArrayList<>();

    private static final class Guarded {
        final PipelineListener listener;
        int slowCalls;

        Guarded(PipelineListener listener) {
            this.listener = listener;
        }

        String name() {
            return listener.getClass().getName();
        }
    }

    PipelineListeners(List<PipelineListener> listeners) {
        listeners.forEach(listener -> left.add(new Guarded(listener)));
    }

    boolean isEmpty() {
        return left.isEmpty();
    }

    /** Makes a call to each listener that has not failed. */
    void each(Consumer<PipelineListener> call) {
        for (Guarded guarded : left) {
            long start = System.nanoTime();
            try {
                call.accept(guarded.listener);
            } catch (VirtualMachineError e) {
                throw e;
            } catch (RuntimeException | Error e) {
                left.remove(guarded);
                log.warn("Listener {} has failed and is not called any more", guarded.name(), e);
                continue;
            }
            long millis = (System.nanoTime() - start) / 1_000_000;
            if (millis > PipelineListener.SLOW_MILLIS && ++guarded.slowCalls == SLOW_CALLS) {
                log.warn("Listener {} has taken {} ms in one call, for which training waits", guarded.name(), millis);
            }
        }
    }
}
