package io.github.dl4jpipeline;

import io.github.dl4jpipeline.internal.device.DeviceThread;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The code that a first step needs beside Deeplearning4j's own. It takes a while to load: classes for profiles, and oneDNN. */
final class FirstStepCode {
    private static final Logger log = LoggerFactory.getLogger(FirstStepCode.class);

    private static final AtomicBoolean BEGUN = new AtomicBoolean();

    private FirstStepCode() {}

    /**
     * Begins to load it, once in a process, in a thread that ends by itself. ND4J must have been loaded. Returns at once. What cannot be
     * loaded is reported where it is needed.
     */
    static void beginToLoad() {
        if (BEGUN.compareAndSet(false, true)) {
            DeviceThread thread = DeviceThread.unbound("first-step-code");
            thread.execute(FirstStepCode::tryToLoad, failure -> {});
            thread.close();
        }
    }

    private static void tryToLoad() {
        try {
            load();
        } catch (RuntimeException | LinkageError e) {
            log.debug("Code of the first step does not load", e);
        }
    }

    static GraphProfile load() {
        OneDnn.isAvailable();
        VertexCost vertex = new VertexCost("vertex", List.of(), 1, 0, 1, 1, 0, 1, 1, 1, 1, 1);
        GraphProfile profile = new GraphProfile(1, "none", 1, MachineSpeed.UNKNOWN, Map.of(), List.of(vertex));
        return GraphProfile.fromJson("a profile of one vertex", profile.toJson());
    }
}
