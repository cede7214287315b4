package io.github.dl4jpipeline.kernel;

import java.util.List;

/**
 * Working memory of one stage, empty between tasks: that of a single layer call, that of one time step of a recurrent
 * layer, the errors within the stage during a backward task, and activations that are not kept from one task to another.
 */
public final class StageScratch {
    final ActivationMemory work;
    final ActivationMemory timeStep;
    final ActivationMemory errors;
    final ActivationMemory activations;

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

    /** Lets this thread use the memory. */
    void enter() {
        all().forEach(ActivationMemory::enter);
    }

    /** Frees the memory; the next task allocates anew. */
    public void destroy() {
        all().forEach(ActivationMemory::destroy);
    }

    /** Bytes reserved. */
    public long bytes() {
        return all().stream().mapToLong(ActivationMemory::bytes).sum();
    }

    private List<ActivationMemory> all() {
        return List.of(work, timeStep, errors, activations);
    }
}
