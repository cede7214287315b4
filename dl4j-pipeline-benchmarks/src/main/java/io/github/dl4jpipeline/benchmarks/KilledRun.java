package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.internal.file.ModelArchive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.zip.ZipFile;

/**
 * A run that is killed, resumed, and compared.
 *
 * @param process the run
 * @param afterFirst whether it is killed after its first checkpoint, not just at any time
 * @param twice whether it is killed again when it has been resumed
 * @param firstNanos how long a run takes to its first checkpoint
 * @param allNanos how long a run takes
 * @param random gives the moments
 */
record KilledRun(
        TrainProcess process,
        boolean afterFirst,
        boolean twice,
        long firstNanos,
        long allNanos,
        SplittableRandom random) {
    private static final Set<String> OUR_ENTRIES = Set.of(
            "dl4j-pipeline-run.json",
            "dl4j-pipeline-plan.json",
            "dl4j-pipeline-profile.json",
            "dl4j-pipeline-options.json");

    /**
     * What has come of it.
     *
     * @param kills how often it was killed
     * @param seconds when, counted from the start, or from the first checkpoint
     * @param checkpoints how many there were when it was killed first
     * @param torn how many files could not be read after a kill
     * @param left files that are there at the end and should not be
     * @param same whether the model is that of the run without interruption, bit for bit
     */
    record Outcome(int kills, double seconds, int checkpoints, int torn, List<Path> left, boolean same) {}

    Outcome run(Path expected) throws IOException, InterruptedException {
        process.start(List.of());
        long moment;
        if (afterFirst) {
            process.awaitFirstCheckpoint();
            moment = random.nextLong(Math.max(1, allNanos - firstNanos));
        } else {
            moment = random.nextLong(allNanos);
        }
        int kills = process.killAfter(moment) ? 1 : 0;
        int checkpoints = process.checkpoints().size();
        int torn = torn();
        if (twice && kills > 0) {
            process.start(resume());
            if (process.killAfter(random.nextLong(allNanos))) {
                kills++;
                torn += torn();
            }
        }
        if (!Files.exists(process.out())) {
            process.runToEnd(resume());
        }
        return new Outcome(kills, moment / 1e9, checkpoints, torn, process.otherFiles(), same(process.out(), expected));
    }

    /** A run without checkpoints begins again. */
    private List<String> resume() throws IOException {
        return process.checkpoints().isEmpty() ? List.of() : List.of("--resume");
    }

    private int torn() throws IOException {
        int torn = 0;
        for (Path file : process.checkpoints()) {
            try (ModelArchive archive = ModelArchive.open(file, OUR_ENTRIES).requireChecksums()) {
                archive.model(true);
                for (String entry : OUR_ENTRIES) {
                    archive.entry(entry, Integer.MAX_VALUE - 8);
                }
            } catch (IllegalArgumentException e) {
                System.out.println("torn: " + e.getMessage());
                torn++;
            }
        }
        return torn;
    }

    /** Whether configuration with its counts, parameters and updater state are the same bytes. */
    private static boolean same(Path file, Path other) throws IOException {
        for (String entry : List.of("configuration.json", "coefficients.bin", "updaterState.bin")) {
            if (!Arrays.equals(content(file, entry), content(other, entry))) {
                return false;
            }
        }
        return true;
    }

    private static byte[] content(Path file, String entry) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            return zip.getInputStream(zip.getEntry(entry)).readAllBytes();
        }
    }
}
