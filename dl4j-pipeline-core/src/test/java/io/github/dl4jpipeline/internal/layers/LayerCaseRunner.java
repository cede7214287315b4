package io.github.dl4jpipeline.internal.layers;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Runs cases in a process of its own, and says in a file which case is next and what is wrong. */
final class LayerCaseRunner {
    static final String CASE = "CASE ";
    static final String CODE = "CODE ";
    static final String WRONG = "WRONG ";
    static final String DONE = "DONE ";

    private LayerCaseRunner() {}

    /** Takes the file, a seed, the index of the first case, and the number of cases. */
    public static void main(String[] args) throws IOException {
        long seed = Long.parseLong(args[1]);
        int first = Integer.parseInt(args[2]);
        int count = Integer.parseInt(args[3]);
        int refused = 0;
        int runs = 0;
        try (PrintStream log = new PrintStream(args[0], StandardCharsets.UTF_8)) {
            for (int index = first; index < first + count; index++) {
                LayerCase layer = LayerCase.of(seed, index);
                String name = "seed " + seed + ", case " + index + ": " + layer;
                log.println(CASE + name);
                LayerComparison.Outcome outcome = LayerComparison.of(layer, code -> log.println(CODE + code));
                outcome.problems().forEach(problem -> log.println(WRONG + name + ": " + problem));
                refused += outcome.refused() ? 1 : 0;
                runs += outcome.runs();
            }
            log.println(DONE + count + " cases, " + refused + " refused by Deeplearning4j, " + runs
                    + " runs of faster code");
        }
        System.exit(0); // whatever threads native code has
    }
}
