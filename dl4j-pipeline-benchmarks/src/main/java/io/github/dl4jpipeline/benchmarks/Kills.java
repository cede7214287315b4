package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.benchmarks.KilledRun.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Kills {@code train} at random moments, resumes it, and compares the model with that of a run without interruption. All
 * runs have the same plan, that of a first run of one epoch.
 */
@Command(
        name = "kills",
        description = "Kills train with SIGKILL at random moments, resumes it, and compares the models bit for bit.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class Kills implements Callable<Integer> {
    private static final int MOST_TRIES = 3;

    @Option(names = "--kills", description = "Number of runs that are killed; every third one is killed twice.")
    private int kills = 20;

    @Option(names = "--model", description = "Name of an example model.")
    private String model = "lenet";

    @Option(names = "--epochs", description = "Epochs of a run; each ends with a checkpoint.")
    private int epochs = 10;

    @Option(names = "--seed", description = "Of the moments.")
    private long seed = 1;

    @Option(names = "--directory", description = "Where runs write; it must not exist.")
    private Path directory = Path.of("kills");

    @Override
    public Integer call() throws IOException, InterruptedException {
        Files.createDirectory(directory);
        TrainProcess planned = process("plan", List.of("--epochs", "1"));
        planned.runToEnd(List.of());
        Path plan = planned.checkpoints().get(0);

        TrainProcess whole = process("whole", List.of("--epochs", String.valueOf(epochs), "--plan", plan.toString()));
        long start = System.nanoTime();
        whole.start(List.of());
        whole.awaitFirstCheckpoint();
        long first = System.nanoTime() - start;
        whole.awaitEnd();
        long all = System.nanoTime() - start;
        System.out.printf(
                Locale.ROOT,
                "without interruption %.1f s, the first checkpoint after %.1f s%n",
                all / 1e9,
                first / 1e9);

        SplittableRandom random = new SplittableRandom(seed);
        List<Outcome> outcomes = new ArrayList<>();
        int killedRuns = 0;
        for (int i = 0; killedRuns < kills && i < MOST_TRIES * kills; i++) { // some end before their moment comes
            TrainProcess killed = process("run" + i, whole.options());
            // Every other run is killed after its first checkpoint; the others at any time.
            KilledRun run = new KilledRun(killed, i % 2 == 1, i % 3 == 2, first, all, random);
            Outcome outcome = run.run(whole.out());
            System.out.printf("run %d: %s%n", i, outcome);
            outcomes.add(outcome);
            if (outcome.kills() > 0) {
                killedRuns++;
            }
        }
        return report(outcomes);
    }

    private TrainProcess process(String name, List<String> options) throws IOException {
        return new TrainProcess(Files.createDirectory(directory.resolve(name)), model, options);
    }

    private static int report(List<Outcome> outcomes) {
        long later = outcomes.stream()
                .filter(outcome -> outcome.kills() > 0 && outcome.checkpoints() > 0)
                .count();
        long same = outcomes.stream().filter(Outcome::same).count();
        int torn = outcomes.stream().mapToInt(Outcome::torn).sum();
        int left = outcomes.stream().mapToInt(outcome -> outcome.left().size()).sum();
        int kills = outcomes.stream().mapToInt(Outcome::kills).sum();
        System.out.printf(
                "%d runs, %d kills, %d of the runs killed after a checkpoint; bit-identical %d of %d; torn files %d;"
                        + " files left %d%n",
                outcomes.size(), kills, later, same, outcomes.size(), torn, left);
        return same == outcomes.size() && torn == 0 && left == 0 ? 0 : 1;
    }
}
