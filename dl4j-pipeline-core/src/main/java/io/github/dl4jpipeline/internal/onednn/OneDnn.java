package io.github.dl4jpipeline.internal.onednn;

import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.stream;
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

    /** What is made once in the process, and never freed. */
    private static final class Loaded {
        static final boolean SUCCEEDED = load();

        private static engine cpu;
        private static stream inCaller;

        private static boolean load() {
            if ("off".equalsIgnoreCase(System.getProperty(PROPERTY))) {
                log.info("oneDNN is switched off by -D{}=off: layers run with ND4J's operations", PROPERTY);
                return false;
            }
            try {
                Nd4j.getBackend(); // brings the OpenMP that both use, so that limits of threads hold for both
                cpu = new engine(engine.kind.cpu, 0);
                inCaller = new stream(cpu);
                return true;
            } catch (Exception | LinkageError e) {
                log.info("oneDNN cannot be called here ({}): layers run with ND4J's operations", e.toString());
                return false;
            }
        }
    }

    /** Whether primitives can be made. */
    public static boolean isAvailable() {
        return Loaded.SUCCEEDED;
    }

    static engine engine() {
        if (!Loaded.SUCCEEDED) {
            throw new IllegalStateException("oneDNN is not available");
        }
        return Loaded.cpu;
    }

    /** Runs primitives in the thread that calls, one after another. Any number of threads may use it at once. */
    static stream stream() {
        return Loaded.inCaller;
    }

    /** Attributes of primitives whose working memory the caller gives. */
    static primitive_attr attributes() {
        primitive_attr attributes = new primitive_attr();
        attributes.set_scratchpad_mode(dnnl.scratchpad_mode.user);
        return attributes;
    }
}
