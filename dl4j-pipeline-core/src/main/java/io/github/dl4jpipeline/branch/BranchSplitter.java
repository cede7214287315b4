package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.exception.UnsplittableGraphException;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.graph.ChainGraph;
import java.util.Collections;
import java.util.List;
import java.util.stream.DoubleStream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * Splits a network into narrow branches that share nothing but the input and the classifier.
 *
 * <p>Every layer of a branch has the width of the original's divided by the number of branches, rounded down, and at
 * least 1; the input goes whole to each. Weights are not taken over: the result is trained from scratch.
 *
 * <pre>{@code
 * BranchSplitter.branches(8).sharedClassifier(false).fatten(0.1).split(configuration)
 * }</pre>
 *
 * <p>Takes chains and residual networks of convolutions, dense layers, normalization, pooling, activations and dropout,
 * with one output. Method: Hadidi et al., arXiv:2003.06464, section "LCP". Where it is silent: if the number of branches
 * does not divide that of the classes, the first branches of a split classifier have one class more; what is fattened is
 * all but the last layer with weights, split or shared.
 */
public final class BranchSplitter {
    /** Division of widths never helps beyond this; every layer of known networks is at width 1 long before. */
    private static final int MOST_BRANCHES = 1 << 16;

    private static final int DIVISION_FACTOR = 2;

    private final BranchCount count;
    private final boolean shared;
    private final List<Double> fattening;

    /** How many branches to make of a network. */
    private interface BranchCount {
        int of(ComputationGraphConfiguration configuration, BranchSplitter splitter);
    }

    private BranchSplitter(BranchCount count, boolean shared, List<Double> fattening) {
        this.count = count;
        this.shared = shared;
        this.fattening = fattening;
    }

    /**
     * Splits into a number of branches. One branch is the network itself, fattened if so wanted.
     *
     * @throws IllegalArgumentException if it is less than 1
     */
    public static BranchSplitter branches(int branches) {
        if (branches < 1 || branches > MOST_BRANCHES) {
            throw new IllegalArgumentException(
                    "Number of branches must be at least 1 and at most " + MOST_BRANCHES + ", got " + branches);
        }
        return new BranchSplitter((configuration, splitter) -> branches, true, List.of(0.0));
    }

    /**
     * Splits into as few of 1, 2, 4, 8, … branches as make each branch fit a budget, in memory and in multiply-adds.
     *
     * @param inputTypes of the network's inputs, in their order
     */
    public static BranchSplitter fitting(BranchBudget budget, InputType... inputTypes) {
        Given.notNull("budget", budget);
        InputType[] types = Given.notNull("inputTypes", inputTypes).clone();
        return new BranchSplitter(
                (configuration, splitter) -> splitter.fewestFitting(budget, configuration, types), true, List.of(0.0));
    }

    /**
     * Whether one classifier reads all branches, or each branch has a classifier for its share of the classes. Default:
     * shared.
     */
    public BranchSplitter sharedClassifier(boolean value) {
        return new BranchSplitter(count, value, fattening);
    }

    /**
     * Makes branches wider than their share, except for the classifier: 0.1 is 10 %. Default: 0.
     *
     * @param factors one for all branches, or one for each
     */
    public BranchSplitter fatten(double... factors) {
        if (Given.notNull("factors", factors).length == 0) {
            throw new IllegalArgumentException("fatten needs a factor, for all branches or for each, got none");
        }
        for (double factor : factors) {
            if (!(factor >= 0) || Double.isInfinite(factor)) {
                throw new IllegalArgumentException("A fattening factor must not be negative, got " + factor);
            }
        }
        return new BranchSplitter(
                count, shared, DoubleStream.of(factors).boxed().toList());
    }

    /**
     * The branched network, untrained. Its branches are called {@code branch0-}… and meet in the vertex {@code join}.
     *
     * @throws UnsplittableGraphException if it cannot be split
     * @throws IllegalArgumentException if the fattening factors do not match the number of branches
     */
    public ComputationGraphConfiguration split(ComputationGraphConfiguration configuration) {
        Given.notNull("configuration", configuration);
        return split(configuration, count.of(configuration, this));
    }

    /** The branched network of a chain of layers; see {@link #split(ComputationGraphConfiguration)}. */
    public ComputationGraphConfiguration split(MultiLayerConfiguration configuration) {
        return split(ChainGraph.of(new MultiLayerNetwork(
                Given.notNull("configuration", configuration).clone())));
    }

    private ComputationGraphConfiguration split(ComputationGraphConfiguration configuration, int branches) {
        List<Narrowing> narrowings = factors(branches).stream()
                .map(factor -> new Narrowing(branches, factor))
                .toList();
        return split(configuration, narrowings);
    }

    private ComputationGraphConfiguration split(
            ComputationGraphConfiguration configuration, List<Narrowing> narrowings) {
        return shared
                ? SplitGraph.withSharedClassifier(configuration, narrowings)
                : SplitGraph.withSplitClassifier(configuration, narrowings);
    }

    private List<Double> factors(int branches) {
        if (fattening.size() == 1) {
            return Collections.nCopies(branches, fattening.get(0));
        }
        if (fattening.size() != branches) {
            throw new IllegalArgumentException("There are " + fattening.size() + " fattening factors for " + branches
                    + " branches; give one for all or one for each");
        }
        return fattening;
    }

    /** As in the method, all widths are divided by 2 until a branch fits. */
    private int fewestFitting(BranchBudget budget, ComputationGraphConfiguration configuration, InputType... types) {
        double widest = Collections.max(fattening);
        BranchCost cost = null;
        for (int branches = 1; branches <= MOST_BRANCHES; branches *= DIVISION_FACTOR) {
            // Only the widest of the branches, so that the search costs the same however many there are.
            List<Narrowing> one = List.of(new Narrowing(branches, widest));
            BranchCost narrower =
                    BranchCost.ofParts(split(configuration, one), types).get(0);
            if (budget.allows(narrower)) {
                return branches;
            }
            if (narrower.equals(cost)) {
                break;
            }
            cost = narrower;
        }
        throw new UnsplittableGraphException("however many branches it has, one takes " + cost.memoryBytes()
                + " bytes and " + cost.multiplyAdds() + " multiply-adds, more than the " + budget.memoryBytes()
                + " bytes and " + budget.multiplyAdds() + " multiply-adds of a device");
    }
}
