package io.github.dl4jpipeline.kernel;

import java.io.PrintStream;

/** Runs cases in a process of its own, and says on its output which case is next and what is wrong. */
final class LayerCaseRunner {
    static final String CASE = "CASE ";
    static final String CODE = "CODE ";
    static final String WRONG = "WRONG ";
    static final String DONE = "DONE ";

    private LayerCaseRunner() {}

    /** Takes a seed, the index of the first case, and the number of cases. */
    public static void main(String[] args) {
        long seed = Long.parseLong(args[0]);
        int first = Integer.parseInt(args[1]);
        int count = Integer.parseInt(args[2]);
        int refused = 0;
        int runs = 0;
        for (int index = first; index < first + count; index++) {
            LayerCase layer = LayerCase.of(seed, index);
            String name = "seed " + seed + ", case " + index + ": " + layer;
            if (layer.isFatal() && layer.kind() == LayerCase.Kind.MAX_POOLING) {
                continue; // it has no faster code
            }
            say(CASE + name);
            LayerComparison.Outcome outcome = LayerComparison.of(layer, code -> say(CODE + code));
            if (outcome.stockFails() != null) say("STOCK " + name + ": " + outcome.stockFails());
            outcome.problems().forEach(problem -> say(WRONG + name + ": " + problem));
            refused += outcome.refused() ? 1 : 0;
            runs += outcome.runs();
        }
        say(DONE + count + " cases, " + refused + " refused, " + runs + " runs");
        System.exit(0);
    }

    private static void say(String line) {
        PrintStream out = System.out;
        out.println(line);
        out.flush();
    }
}
