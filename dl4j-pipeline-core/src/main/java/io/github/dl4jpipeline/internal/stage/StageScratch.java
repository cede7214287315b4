package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.engine.Reorders;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Working memory of one stage, empty between tasks. It serves a single layer call, one time step of a recurrent
 * layer, the errors within the stage during a backward task, and activations that are not kept.
 */
public final class StageScratch {
    final ActivationMemory work;
    final ActivationMemory timeStep;
    public final ActivationMemory errors;
    final ActivationMemory activations;

    /** Between the engine's layouts and arrays. */
    final Reorders reorders = new Reorders();

    /**
     * @param name a prefix that no other stage of the process has
     * @param enabled false to leave all arrays to the garbage collector
     */
    public StageScratch(String name, boolean enabled) {
        work = new ActivationMemory(name + "-work", enabled);
        timeStep = new ActivationMemory(name + "-step", enabled);
        errors = new ActivationMemory(name + "-errors", enabled);
        activations = new ActivationMemory(name + "-activations", enabled);
    }

    /**
     * Reserves this many bytes for a layer call. Otherwise memory grows from call to call, and each time holds the
     * old size beside the new for a moment.
     */
    void reserve(DataType type, long elements) {
        work.open();
        try {
            Nd4j.createUninitialized(type, elements);
        } finally {
            work.close();
        }
    }

    /** Lets this thread use the memory. */
    public void enter() {
        all().forEach(ActivationMemory::enter);
    }

    /** Frees the memory; the next task allocates anew. */
    public void destroy() {
        all().forEach(ActivationMemory::destroy);
        reorders.close();
    }

    /** Bytes reserved. */
    public long bytes() {
        return all().stream().mapToLong(ActivationMemory::bytes).sum();
    }

    private List<ActivationMemory> all() {
        return List.of(work, timeStep, errors, activations);
    }
}
