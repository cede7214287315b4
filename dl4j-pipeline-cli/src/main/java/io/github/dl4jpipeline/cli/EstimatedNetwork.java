package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.SplitTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A network that is too large to be measured everywhere. Its times follow from the number of operations, and its bytes from the sizes of
 * its arrays, in float. A backward pass takes twice as long as a forward pass, and half of it is parameter gradients. Operations on all
 * cores of a machine count as fast as the cores together.
 */
final class EstimatedNetwork {
    private static final int FLOAT = 4;

    /** Of adding arrays, for each megabyte. */
    private static final double ADD_MILLIS = 0.2;

    private final double operationsPerMilli;
    private final List<VertexCost> vertices = new ArrayList<>();

    private EstimatedNetwork(double gflops) {
        operationsPerMilli = gflops * 1e6;
        vertices.add(new VertexCost("in", List.of(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    }

    /** The names of the networks. */
    static final class Names extends ArrayList<String> {
        private static final long serialVersionUID = 1;

        Names() {
            super(List.of("vgg16", "transformer-1b"));
        }
    }

    /**
     * The profile of a network for one example.
     *
     * @param gflops billions of operations that a core does in a second
     * @throws IllegalArgumentException if there is no network of this name
     */
    static GraphProfile profile(String name, double gflops) {
        EstimatedNetwork network = new EstimatedNetwork(gflops);
        switch (name) {
            case "vgg16" -> network.vgg16();
            case "transformer-1b" -> network.transformer();
            default ->
                throw new IllegalArgumentException(
                        "there is no network '" + name + "' to estimate, only " + new Names());
        }
        MachineSpeed speed = new MachineSpeed(1, 0, 1, 1, ADD_MILLIS);
        return new GraphProfile(1, "estimated core", 1, speed, Map.of(), network.vertices);
    }

    /** At 224x224, with 1,000 classes; 138 million parameters. The updater keeps one array. */
    private void vgg16() {
        int[][] blocks = {{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}};
        long size = 224;
        long channels = 3;
        String input = "in";
        for (int block = 0; block < blocks.length; block++) {
            for (int layer = 0; layer < blocks[block][1]; layer++) {
                String name = "conv" + (block + 1) + "_" + (layer + 1);
                long weights = 9 * channels * blocks[block][0];
                channels = blocks[block][0];
                add(name, weights * size * size, weights, channels * size * size, 1, input);
                input = name;
            }
            size /= 2;
            add("pool" + (block + 1), 4 * channels * size * size, 0, channels * size * size, 1, input);
            input = "pool" + (block + 1);
        }
        long inputs = channels * size * size;
        for (int width : new int[] {4096, 4096, 1000}) {
            String name = "dense" + vertices.size();
            add(name, inputs * width, inputs * width, width, 1, input);
            inputs = width;
            input = name;
        }
    }

    /** 18 blocks of width 2048 for sequences of 512 tokens out of 32,000; 1.04 billion parameters. The updater keeps two arrays. */
    private void transformer() {
        long width = 2048;
        long tokens = 512;
        long words = 32_000;
        long stream = tokens * width;
        add("embedding", stream, words * width, stream, 2, "in");
        String input = "embedding";
        for (int block = 1; block <= 18; block++) {
            String keys = "keys" + block;
            String attention = "attention" + block;
            String up = "up" + block;
            String down = "down" + block;
            add(keys, 3 * width * stream, 3 * width * width, 3 * stream, 2, input);
            add(attention, width * stream + 2 * tokens * stream, width * width, stream, 2, keys, input);
            add(up, 4 * width * stream, 4 * width * width, 4 * stream, 2, attention);
            add(down, 4 * width * stream, 4 * width * width, stream, 2, up, attention);
            input = down;
        }
        add("words", words * stream, words * width, words * tokens, 2, input);
    }

    /**
     * Adds a vertex.
     *
     * @param products multiplications and additions of its forward pass, for one example
     * @param states arrays that the updater keeps
     */
    private void add(String name, long products, long parameters, long outputs, int states, String... inputs) {
        double forward = 2 * products / operationsPerMilli;
        double backward = 2 * forward;
        long bytes = FLOAT * parameters;
        vertices.add(new VertexCost(
                name,
                List.of(inputs),
                new PassTimes(forward, 0, forward),
                new PassTimes(backward, 0, backward),
                new SplitTimes(parameters == 0 ? 0 : backward / 2, 0),
                new VertexBytes(FLOAT * outputs, bytes, bytes, states * bytes, 0)));
    }
}
