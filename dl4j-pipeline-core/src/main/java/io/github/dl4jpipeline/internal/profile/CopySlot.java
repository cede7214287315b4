package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.internal.stage.StageScratch;
import java.util.concurrent.atomic.AtomicLong;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What copies use that run one after the other: working memory, and an array for the gradients of all parameters. */
public final class CopySlot {
    private static final AtomicLong CREATED = new AtomicLong();

    private final ComputationGraph graph;
    private final String name = "profile-slot-" + CREATED.incrementAndGet();
    private @Nullable StageScratch scratch;
    private @Nullable INDArray gradients;

    CopySlot(ComputationGraph graph) {
        this.graph = graph;
    }

    /** @param usesWorkspaces the same for all copies of a graph */
    StageScratch scratch(boolean usesWorkspaces) {
        if (scratch == null) {
            scratch = new StageScratch(name, usesWorkspaces);
        }
        return scratch;
    }

    /** Only for graphs with parameters. */
    INDArray gradients() {
        if (gradients == null) {
            gradients = Nd4j.create(graph.params().dataType(), graph.params().length());
        }
        return gradients;
    }

    /** Frees the working memory; the copy that runs next has it allocated anew. */
    void freeScratch() {
        if (scratch != null) {
            scratch.destroy();
        }
    }

    /** Frees the memory, which no copy may use any more. */
    void free() {
        freeScratch();
        if (gradients != null) {
            gradients.close();
        }
    }
}
