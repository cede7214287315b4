package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.branch.BranchBudget;
import io.github.dl4jpipeline.branch.BranchSplitter;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.model.ImageSize;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.exception.UnsplittableGraphException;
import java.util.List;
import java.util.stream.DoubleStream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a model is split into branches. */
final class BranchOptions {
    private static final int DEFAULT_BRANCHES = 2;

    /** Where the classes are computed. */
    enum ClassifierKind {
        SHARED,
        SPLIT
    }

    @Option(names = "--branches", paramLabel = "N", description = "Number of branches. Default: 2.")
    private @Nullable Integer branches;

    @Option(
            names = "--memory",
            paramLabel = "BYTES",
            description = "Instead of --branches: the memory that one branch may take.")
    private @Nullable Long memory;

    @Option(
            names = "--multiply-adds",
            paramLabel = "N",
            description = "Instead of --branches: the multiply-adds that one branch may take for an image.")
    private @Nullable Long multiplyAdds;

    @Option(
            names = "--classifier",
            paramLabel = "shared|split",
            defaultValue = "shared",
            description = "One classifier over all branches, or one in each for its share of the classes."
                    + " Default: ${DEFAULT-VALUE}.")
    private ClassifierKind classifier = ClassifierKind.SHARED;

    @Option(
            names = "--fatten",
            paramLabel = "F",
            split = ",",
            defaultValue = "0",
            description = "Make branches wider than their share, 0.1 is 10 %%: one number for all, or one for each."
                    + " Default: ${DEFAULT-VALUE}.")
    private double[] fattening = {0};

    String classifier() {
        return classifier == ClassifierKind.SHARED ? "shared" : "split";
    }

    List<Double> fattening() {
        return DoubleStream.of(fattening).boxed().toList();
    }

    /** What the options say, for a model with images of this size. */
    BranchSplitter splitter(ImageSize size) {
        BranchSplitter splitter = (memory == null && multiplyAdds == null ? byNumber() : byBudget(size))
                .sharedClassifier(classifier == ClassifierKind.SHARED);
        try {
            return splitter.fatten(fattening);
        } catch (IllegalArgumentException e) {
            throw new InputException("--fatten: " + e.getMessage(), e);
        }
    }

    private BranchSplitter byNumber() {
        return BranchSplitter.branches(
                Options.requirePositiveIfGiven("--branches", branches).orElse(DEFAULT_BRANCHES));
    }

    private BranchSplitter byBudget(ImageSize size) {
        if (branches != null) {
            throw new InputException("--branches and --memory or --multiply-adds exclude each other");
        }
        try {
            BranchBudget budget = new BranchBudget(
                    memory == null ? Long.MAX_VALUE : memory, multiplyAdds == null ? Long.MAX_VALUE : multiplyAdds);
            return BranchSplitter.fitting(budget, size.inputType());
        } catch (IllegalArgumentException e) {
            throw new InputException("--memory, --multiply-adds: " + e.getMessage(), e);
        }
    }

    /**
     * Splits a model.
     *
     * @throws InputException if it cannot be split
     */
    ComputationGraphConfiguration split(NamedModel model) {
        BranchSplitter splitter = splitter(model.images());
        try {
            return model.model() instanceof ComputationGraph graph
                    ? splitter.split(graph.getConfiguration())
                    : splitter.split(((MultiLayerNetwork) model.model()).getLayerWiseConfigurations());
        } catch (UnsplittableGraphException | IllegalArgumentException e) {
            throw new InputException(model.name() + ": " + e.getMessage(), e);
        }
    }
}
