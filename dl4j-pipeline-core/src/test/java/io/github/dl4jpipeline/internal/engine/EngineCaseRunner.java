package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.LayerCase;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/** Runs cases in a process of its own, and says in a file which case is next and what is wrong. */
final class EngineCaseRunner {
    static final String CASE = "CASE ";
    static final String LEFT = "LEFT ";
    static final String WRONG = "WRONG ";
    static final String DONE = "DONE ";

    /** Kinds that run; empty for all. */
    private static final String KINDS = System.getProperty("layer.kinds", "");

    private EngineCaseRunner() {}

    /** Takes the file, a seed, the index of the first case, and the number of cases. */
    public static void main(String[] args) throws IOException {
        long seed = Long.parseLong(args[1]);
        int first = Integer.parseInt(args[2]);
        int count = Integer.parseInt(args[3]);
        Map<LayerCase.Kind, Integer> taken = new TreeMap<>();
        int refused = 0;
        try (PrintStream log = new PrintStream(args[0], StandardCharsets.UTF_8)) {
            for (int index = first; index < first + count; index++) {
                LayerCase layer = LayerCase.of(seed, index).inFloat();
                boolean chosen = KINDS.isEmpty() || KINDS.contains(layer.kind().name());
                if (!chosen || layer.isFatal() || layer.kind() == LayerCase.Kind.OUTPUT) {
                    continue;
                }
                String name = "seed " + seed + ", case " + index + ": " + layer;
                log.println(CASE + name);
                EngineComparison.Outcome outcome = EngineComparison.of(EngineCase.of(layer), layer.examples());
                if (outcome.taken() == 0 && outcome.refused().isEmpty()) {
                    log.println(LEFT + name);
                }
                outcome.problems().forEach(problem -> log.println(WRONG + name + ": " + problem));
                taken.merge(layer.kind(), outcome.taken(), Integer::sum);
                refused += outcome.refused().size();
            }
            log.println(DONE + "passes by the engine " + taken + ", graphs refused by Deeplearning4j " + refused);
        }
        System.exit(0); // whatever threads native code has
    }
}
