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
 * }</pre>
 */
@NullMarked
package io.github.dl4jpipeline.branch;

import org.jspecify.annotations.NullMarked;
