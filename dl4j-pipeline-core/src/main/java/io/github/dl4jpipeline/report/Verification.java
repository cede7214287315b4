package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.graph.SameGradient;
import io.github.dl4jpipeline.graph.SameGradient.Compared;
import java.util.List;
import java.util.stream.Stream;

/**
 * How far the first step of a plan was from plain Deeplearning4j's.
 *
 * @param gradient its gradient, before the updater, by parameter array
 * @param score its score
 * @param noDouble why the gradient was not computed in double, though an array needed it, as a clause; else empty
 */
public record Verification(SameGradient gradient, Compared score, String noDouble) {

    /** Whether gradient and score are the same, up to roundings. */
    public boolean isSame() {
        return gradient.isSame() && score.isSame();
    }

    /** What is not the same, worst first. */
    public List<Compared> different() {
        return Stream.concat(gradient.different().stream(), Stream.of(score).filter(compared -> !compared.isSame()))
                .toList();
    }

    /** Number of parameter arrays that were compared. */
    public int arrays() {
        return gradient.arrays().size();
    }

    /** The array that uses most of its bound, or the score if nothing has parameters. */
    public Compared worst() {
        return gradient.arrays().isEmpty() ? score : gradient.worst();
    }

    /** Whether an array or the score was compared with what double gives. */
    public boolean withDouble() {
        return score.withDouble() || gradient.arrays().stream().anyMatch(Compared::withDouble);
    }

    /** One line for people. */
    @Override
    public String toString() {
        return isSame()
                ? "verified: gradients of " + arrays()
                        + " arrays and score are plain Deeplearning4j's; nearest to its bound: " + worst()
                : "not verified: " + different().size() + " of " + arrays() + " arrays and the score differ from plain"
                        + " Deeplearning4j's; worst: " + different().get(0);
    }
}
