package io.github.dl4jpipeline.internal.execute;

import java.util.Map;
import org.deeplearning4j.nn.gradient.Gradient;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a training step has computed.
 *
 * @param gradient sums over the examples of the batch, as views of the flat gradient array
 * @param score as {@code ComputationGraph.score()} defines it
 * @param activations by vertex name, for the whole batch; empty unless asked for
 */
public record StepResult(Gradient gradient, double score, Map<String, INDArray> activations) {}
