/**
 * Low-communication branches: a network becomes several narrow branches that exchange only the input and the activations
 * before the classifier.
 *
 * <p>Method: Hadidi et al., "LCP: A low-communication parallelization method for fast neural network inference in image
 * recognition", arXiv:2003.06464.
 *
 * <pre>{@code
 * ComputationGraphConfiguration branched = BranchSplitter.branches(2).sharedClassifier(true).split(configuration);
 * ComputationGraph graph = new ComputationGraph(branched);    // an ordinary graph: train it, save it
 * graph.init();
 * try (BranchInference inference = BranchInference.of(graph, Devices.cpu(2))) {
 *     INDArray classes = inference.output(image);             // one branch on each device
 * }
 * }</pre>
 *
 * <p>{@link io.github.dl4jpipeline.branch.BranchTrainer} widens branches until the network is as accurate as the original,
 * {@link io.github.dl4jpipeline.branch.BranchParts} takes it apart for several machines and joins it again.
 */
@NullMarked
package io.github.dl4jpipeline.branch;

import org.jspecify.annotations.NullMarked;
