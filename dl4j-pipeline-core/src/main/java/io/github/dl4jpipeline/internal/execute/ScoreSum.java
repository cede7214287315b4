package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.stage.BackwardResult;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The score of a batch from those of its micro-batches and outputs, added up in a fixed order. */
final class ScoreSum {
    private final long examples;
    private final int stages;
    private final Map<Integer, Double> parts = new TreeMap<>();

    /** @param examples number of examples of the batch */
    ScoreSum(long examples, int stages) {
        this.examples = examples;
        this.stages = stages;
    }

    /**
     * Adds the scores of one micro-batch, or of a group that begins with it, on one stage: sums as they are, means by their share of
     * the examples.
     */
    synchronized void add(int microBatch, int stage, List<BackwardResult.Score> scores, long examplesOfScores) {
        double share = (double) examplesOfScores / examples;
        double sum = scores.stream()
                .mapToDouble(score -> score.isSum() ? score.score() : score.score() * share)
                .sum();
        parts.merge(microBatch * stages + stage, sum, Double::sum);
    }

    synchronized double get() {
        return parts.values().stream().mapToDouble(Double::doubleValue).sum();
    }
}
