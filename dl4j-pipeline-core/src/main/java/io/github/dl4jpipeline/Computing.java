package io.github.dl4jpipeline;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Knows which threads run the layers of a pipeline. A layer must not close its pipeline or train it: the call would wait for
 * the thread that it runs in.
 */
final class Computing {
    /** Set in threads whose calls run layers, and so in all threads that these start, such as the workers. */
    private final InheritableThreadLocal<Boolean> inside = new InheritableThreadLocal<>();

    private final AtomicInteger calls = new AtomicInteger();

    /** Runs layers. */
    <T> T inside(Supplier<T> work) {
        boolean outermost = inside.get() == null;
        calls.incrementAndGet();
        inside.set(true);
        try {
            return work.get();
        } finally {
            calls.decrementAndGet();
            if (outermost) {
                inside.remove();
            }
        }
    }

    /** Runs steps, of which parts may run layers, and others are the user's own code in this thread, such as listeners. */
    void around(Runnable steps) {
        calls.incrementAndGet();
        try {
            steps.run();
        } finally {
            calls.decrementAndGet();
        }
    }

    /**
     * Refuses a call from inside.
     *
     * @param call its name
     * @throws IllegalStateException if a layer makes it
     */
    void requireOutside(String call) {
        if (inside.get() != null && calls.get() > 0) {
            throw new IllegalStateException(call + "() was called by a layer, in thread "
                    + Thread.currentThread().getName()
                    + ", and would wait for itself; call it from a listener, or after"
                    + " fit or output has returned");
        }
    }
}
