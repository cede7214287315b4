package io.github.dl4jpipeline.device;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What copies and waiting on {@link SeparateMemoryRuntime} do, until it is closed. Runtimes find all open ones here, since
 * the ServiceLoader makes a new runtime whenever one is asked for.
 */
public final class Link implements AutoCloseable {
    static final Set<Link> OPEN = ConcurrentHashMap.newKeySet();

    volatile double bytesPerNano = Double.POSITIVE_INFINITY;
    volatile Runnable onCopy = () -> {};
    volatile Runnable onSynchronize = () -> {};

    public Link() {
        OPEN.add(this);
    }

    /** Lets every copy take its bytes divided by a bandwidth. */
    public void setBandwidth(double bytesPerSecond) {
        bytesPerNano = bytesPerSecond / 1e9;
    }

    /** What happens whenever elements of one array are copied into another. */
    public void onCopy(Runnable action) {
        onCopy = action;
    }

    /** What happens whenever a thread waits for its device. */
    public void onSynchronize(Runnable action) {
        onSynchronize = action;
    }

    @Override
    public void close() {
        OPEN.remove(this);
    }
}
