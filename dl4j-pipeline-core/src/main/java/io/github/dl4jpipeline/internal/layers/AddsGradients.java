package io.github.dl4jpipeline.internal.layers;

/** A layer that can add its parameter gradients to those that it finds, instead of overwriting them. */
public interface AddsGradients {
    /** Whether to add to the gradients in the next backward pass. */
    void addGradients(boolean add);

    /** How many elements of working memory the next backward pass takes in order to add. */
    default long elementsToAdd() {
        return 0;
    }
}
