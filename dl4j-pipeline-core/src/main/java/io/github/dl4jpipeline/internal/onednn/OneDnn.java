package io.github.dl4jpipeline.internal.onednn;

import io.github.dl4jpipeline.internal.device.DeviceThread;
import io.github.dl4jpipeline.internal.device.Uninterruptibly;
import java.util.concurrent.ExecutionException;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.stream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether oneDNN can be called on this machine. It cannot where there is no library for the platform, where it does not load, and
 * where {@code -Ddl4jpipeline.onednn=off} says so.
 */
public final class OneDnn {
    /** {@code off} leaves oneDNN alone. */
    public static final String PROPERTY = "dl4jpipeline.onednn";

    private static final Logger log = LoggerFactory.getLogger(OneDnn.class);

    private OneDnn() {}

    /**
     * What is made once in the process, and never freed.
     *
     * @param cpu null if oneDNN cannot be called
     * @param inCaller null likewise
     */
    private record Natives(@Nullable engine cpu, @Nullable stream inCaller) {
        static final Natives NONE = new Natives(null, null);

        boolean areThere() {
            return cpu != null;
        }
    }

    /** Loads at the first use. */
    private static final class Loaded {
        static final Natives INSTANCE = load();

        /** In a thread of its own: the caller may be interrupted, which would end the reading of the library. */
        private static Natives load() {
            if ("off".equalsIgnoreCase(System.getProperty(PROPERTY))) {
                log.info("oneDNN is switched off by -D{}=off: layers run with ND4J's operations", PROPERTY);
                return Natives.NONE;
            }
            try (DeviceThread thread = DeviceThread.unbound("onednn")) {
                return Uninterruptibly.get(thread.submit(OneDnn::open));
            } catch (ExecutionException e) {
                log.info(
                        "oneDNN cannot be called here ({}): layers run with ND4J's operations",
                        e.getCause().toString());
                return Natives.NONE;
            }
        }
    }

    private static Natives open() {
        Nd4j.getBackend(); // brings the OpenMP that both use, so that limits of threads hold for both
        engine cpu = new engine(engine.kind.cpu, 0);
        return new Natives(cpu, new stream(cpu));
    }

    /** Whether primitives can be made. */
    public static boolean isAvailable() {
        return Loaded.INSTANCE.areThere();
    }

    static engine engine() {
        engine cpu = Loaded.INSTANCE.cpu();
        if (cpu == null) {
            throw new IllegalStateException("oneDNN is not available");
        }
        return cpu;
    }

    /** Runs primitives in the thread that calls, one after another. Any number of threads may use it at once. */
    static stream stream() {
        return Loaded.INSTANCE.inCaller();
    }

    /** Attributes of primitives whose working memory the caller gives. */
    static primitive_attr attributes() {
        primitive_attr attributes = new primitive_attr();
        attributes.set_scratchpad_mode(dnnl.scratchpad_mode.user);
        return attributes;
    }
}
