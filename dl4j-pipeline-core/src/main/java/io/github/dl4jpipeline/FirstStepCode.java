package io.github.dl4jpipeline;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.device.DeviceThread;
import io.github.dl4jpipeline.internal.onednn.OneDnn;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The code that a first step needs beside Deeplearning4j's own. It takes a while to load: classes for profiles and plans, and oneDNN. */
final class FirstStepCode {
    private static final Logger log = LoggerFactory.getLogger(FirstStepCode.class);

    private static final int VERTICES = 4;
    private static final int EXAMPLES = 8;

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

    /** A plan for a few vertices and two devices. */
    static PartitionPlan load() {
        OneDnn.isAvailable();
        List<VertexCost> vertices = IntStream.range(0, VERTICES)
                .mapToObj(i -> new VertexCost(
                        "vertex" + i, i == 0 ? List.of() : List.of("vertex" + (i - 1)), 1, 0, 1, 1, 0, 1, 1, 1, 1, 1))
                .toList();
        GraphProfile profile =
                new GraphProfile(EXAMPLES, "cpu:0", 1, new MachineSpeed(2, 1, 1, 1, 1), Map.of(), vertices);
        GraphProfile read = GraphProfile.fromJson("a profile of few vertices", profile.toJson());
        return Planner.plan(
                read,
                new Devices(List.of(device(0), device(1))),
                PlanOptions.defaults().withExamples(EXAMPLES));
    }

    private static Device device(int core) {
        return new Device("cpu:" + core, Device.Kind.CPU, List.of(core), Long.MAX_VALUE, 1);
    }
}
