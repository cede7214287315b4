package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.exception.UnsplittableGraphException;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.graph.ChainGraph;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains a branched network from scratch; if it is less accurate than the original by more than epsilon, widens its
 * branches by 10 % and trains again, until it is accurate enough. Method: Hadidi et al., arXiv:2003.06464.
 *
 * <pre>{@code
 * BranchTraining result = BranchTrainer.of(BranchSplitter.branches(4))
 *         .epsilon(0.03)
 *         .directory(Path.of("rounds"))       // to go on after an interruption
 *         .train(configuration, graph -> {
 *             try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph).build()) {
 *                 net.fit(iterator, epochs);
 *                 return net.evaluate(test).accuracy();
 *             }
 *         });
 * }</pre>
 */
public final class BranchTrainer {
    private static final Logger log = LoggerFactory.getLogger(BranchTrainer.class);

    private static final double DEFAULT_EPSILON = 0.03;
    private static final int DEFAULT_ROUNDS = 11; // up to twice the share
    private static final double STEP = 0.1;

    private final BranchSplitter splitter;
    private double epsilon = DEFAULT_EPSILON;
    private int rounds = DEFAULT_ROUNDS;
    private @Nullable Path directory;
    private Consumer<BranchRound> listener = round -> log.info("{}", round.describe());

    private BranchTrainer(BranchSplitter splitter) {
        this.splitter = splitter;
    }

    /** Trains a network and tests it. */
    @FunctionalInterface
    public interface Trial {
        /**
         * Trains a network in place, in the same way each time.
         *
         * @param graph with random parameters
         * @return its accuracy on data that it was not trained on, from 0 to 1
         */
        double run(ComputationGraph graph);
    }

    /**
     * Trains what a splitter makes of a network.
     *
     * @param splitter with the number of branches and the classifier; its fattening is replaced in each round
     */
    public static BranchTrainer of(BranchSplitter splitter) {
        return new BranchTrainer(Given.notNull("splitter", splitter));
    }

    /** By how much accuracy may drop, absolutely. Default: 0.03. */
    public BranchTrainer epsilon(double value) {
        if (!(value >= 0)) {
            throw new IllegalArgumentException("Epsilon must not be negative, got " + value);
        }
        epsilon = value;
        return this;
    }

    /** The number of rounds after which it gives up. Default: 11, the last one at twice the share. */
    public BranchTrainer rounds(int value) {
        if (value < 1) {
            throw new IllegalArgumentException("Number of rounds must be at least 1, got " + value);
        }
        rounds = value;
        return this;
    }

    /**
     * Keeps the rounds there: {@code rounds.json}, and the network of round i in {@code round-i.zip}. A later run with the
     * same directory does not repeat them. Default: none are kept.
     */
    public BranchTrainer directory(Path value) {
        directory = Given.notNull("directory", value);
        return this;
    }

    /** Is told of each round when it is done. Default: it is logged. */
    public BranchTrainer onRound(Consumer<BranchRound> value) {
        listener = Given.notNull("onRound", value);
        return this;
    }

    /**
     * Trains the original network, and then the branched ones.
     *
     * @throws UnsplittableGraphException if the network cannot be split
     * @throws IllegalArgumentException if the directory has rounds of another network
     */
    public BranchTraining train(ComputationGraphConfiguration original, Trial trial) {
        Given.notNull("trial", trial);
        RoundStore store = store(original);
        BranchRound reference = store.original();
        if (reference == null) {
            reference = run(Configurations.copy(original), 1, 0, trial).round();
            store.setOriginal(reference);
            listener.accept(reference);
        }
        return train(original, reference.accuracy(), store, trial);
    }

    /** Trains a network of layers in a row; see {@link #train(ComputationGraphConfiguration, Trial)}. */
    public BranchTraining train(MultiLayerConfiguration original, Trial trial) {
        return train(ChainGraph.of(new MultiLayerNetwork(original.clone())), trial);
    }

    /**
     * Trains the branched networks, where the accuracy of the original is known; see
     * {@link #train(ComputationGraphConfiguration, Trial)}.
     */
    public BranchTraining train(ComputationGraphConfiguration original, double originalAccuracy, Trial trial) {
        return train(original, originalAccuracy, store(original), Given.notNull("trial", trial));
    }

    private RoundStore store(ComputationGraphConfiguration original) {
        Given.notNull("original", original);
        return new RoundStore(directory, splitter.fatten(0).split(original).toJson());
    }

    private BranchTraining train(
            ComputationGraphConfiguration original, double originalAccuracy, RoundStore store, Trial trial) {
        for (int i = 0; i < rounds; i++) {
            if (i == store.rounds().size()) {
                Trained trained = run(original, i, trial);
                store.add(trained.round(), trained.graph());
                listener.accept(trained.round());
            }
            if (store.rounds().get(i).accuracy() >= originalAccuracy - epsilon) {
                return new BranchTraining(
                        store.graph(i), true, originalAccuracy, store.rounds().subList(0, i + 1));
            }
        }
        List<BranchRound> done = store.rounds().subList(0, rounds);
        int best = IntStream.range(0, rounds)
                .boxed()
                .max(Comparator.comparingDouble(i -> done.get(i).accuracy()))
                .orElseThrow();
        return new BranchTraining(store.graph(best), false, originalAccuracy, done);
    }

    private Trained run(ComputationGraphConfiguration original, int round, Trial trial) {
        // Not round * STEP, which gives 0.30000000000000004.
        double fattening = round / (1 / STEP);
        ComputationGraphConfiguration split = splitter.fatten(fattening).split(original);
        return run(split, BranchLayout.of(split).branches().size(), fattening, trial);
    }

    private static Trained run(
            ComputationGraphConfiguration configuration, int branches, double fattening, Trial trial) {
        ComputationGraph graph = new ComputationGraph(configuration);
        graph.init();
        long start = System.nanoTime();
        double accuracy = trial.run(graph);
        double seconds = (System.nanoTime() - start) / 1e9;
        return new Trained(new BranchRound(branches, fattening, graph.numParams(), accuracy, seconds), graph);
    }

    private record Trained(BranchRound round, ComputationGraph graph) {}
}
