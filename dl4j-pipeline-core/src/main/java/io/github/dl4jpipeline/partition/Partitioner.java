package io.github.dl4jpipeline.partition;

import java.util.Arrays;

/**
 * Cuts a sequence of vertices into stages so that the slowest stage is as fast as possible.
 *
 * <p>The sequence is a topological order, so every cut is valid for any graph: branches and skip edges may cross
 * several cuts. Among the partitions with the smallest bottleneck it takes one that sends the fewest bytes. Exact, by
 * dynamic programming; O(stages · vertices²) time, O(stages · vertices) memory.
 */
public final class Partitioner {
    private Partitioner() {}

    /**
     * Finds the best cuts.
     *
     * @param costs time of each vertex, in topological order
     * @param cutBytes by {@code i}: what is sent if there is a cut after vertex {@code i}
     * @param speeds relative speed of the device of each stage; their number is the number of stages
     * @return for each stage the index after its last vertex; no stage is empty
     * @throws IllegalArgumentException if there are more stages than vertices
     */
    public static int[] cut(double[] costs, long[] cutBytes, double[] speeds) {
        int vertices = costs.length;
        int stages = speeds.length;
        if (stages < 1 || stages > vertices) {
            throw new IllegalArgumentException("Cannot cut " + vertices + " vertices into " + stages
                    + " stages; between 1 and " + vertices + " are possible");
        }
        double[] sums = new double[vertices + 1];
        for (int i = 0; i < vertices; i++) {
            sums[i + 1] = sums[i] + costs[i];
        }
        double bottleneck = bottleneck(sums, speeds);
        return fewestBytes(sums, cutBytes, speeds, bottleneck);
    }

    /** The smallest possible time of the slowest stage. */
    private static double bottleneck(double[] sums, double[] speeds) {
        int vertices = sums.length - 1;
        double[] best = new double[vertices + 1];
        Arrays.fill(best, Double.POSITIVE_INFINITY);
        best[0] = 0;
        for (double speed : speeds) {
            double[] longer = new double[vertices + 1];
            Arrays.fill(longer, Double.POSITIVE_INFINITY);
            for (int end = 1; end <= vertices; end++) {
                for (int start = end - 1; start >= 0; start--) {
                    double last = (sums[end] - sums[start]) / speed;
                    if (last > longer[end]) {
                        break; // earlier starts only make the last stage longer
                    }
                    longer[end] = Math.min(longer[end], Math.max(best[start], last));
                }
            }
            best = longer;
        }
        return best[vertices];
    }

    /** The cuts with the fewest bytes of those that keep every stage within the bottleneck. */
    private static int[] fewestBytes(double[] sums, long[] cutBytes, double[] speeds, double bottleneck) {
        int vertices = sums.length - 1;
        int stages = speeds.length;
        double[][] bytes = new double[stages + 1][vertices + 1];
        int[][] startOf = new int[stages + 1][vertices + 1];
        for (double[] row : bytes) {
            Arrays.fill(row, Double.POSITIVE_INFINITY);
        }
        bytes[0][0] = 0;
        for (int stage = 1; stage <= stages; stage++) {
            for (int end = 1; end <= vertices; end++) {
                for (int start = end - 1; start >= 0; start--) {
                    if ((sums[end] - sums[start]) / speeds[stage - 1] > bottleneck) {
                        break;
                    }
                    double sent = bytes[stage - 1][start] + (start == 0 ? 0 : cutBytes[start - 1]);
                    if (sent < bytes[stage][end]) {
                        bytes[stage][end] = sent;
                        startOf[stage][end] = start;
                    }
                }
            }
        }
        int[] ends = new int[stages];
        int end = vertices;
        for (int stage = stages; stage >= 1; stage--) {
            ends[stage - 1] = end;
            end = startOf[stage][end];
        }
        return ends;
    }
}
