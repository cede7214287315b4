package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.OneDnn;

/** Loads oneDNN in a thread that is interrupted. Ends with status 0 if that works and the thread still is interrupted. */
final class InterruptedFirstUse {
    private InterruptedFirstUse() {}

    public static void main(String[] args) {
        Thread.currentThread().interrupt();
        boolean available = OneDnn.isAvailable();
        System.exit(available && Thread.interrupted() ? 0 : 1);
    }
}
