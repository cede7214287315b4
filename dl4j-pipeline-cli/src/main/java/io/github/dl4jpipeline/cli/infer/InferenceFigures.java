package io.github.dl4jpipeline.cli.infer;

/**
 * What {@code infer --json} writes.
 *
 * @param parameters of the network, with running statistics
 * @param branches that were run in parallel; 1 for a network without
 * @param medianMillis for a batch
 * @param exchangedBytes input and activations that branches exchanged for a full batch; 0 without branches
 */
public record InferenceFigures(
        String model,
        long parameters,
        int branches,
        String data,
        int images,
        int batch,
        double accuracy,
        double medianMillis,
        long exchangedBytes) {}
