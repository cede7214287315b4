package io.github.dl4jpipeline.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.VertexCost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Plans for the profiles that PipeDream's authors have published, beside partitions by simpler rules. */
class PublishedProfilesTest {
    private static final Logger log = LoggerFactory.getLogger(PublishedProfilesTest.class);

    /** A profile that is not there skips the test. */
    private static GraphProfile profile(String name) {
        String root = System.getProperty("test.data");
        assumeTrue(
                root != null, "the system property test.data is not set, so there are no published profiles to read");
        Path file = Path.of(root, "pipedream-profiles", name + ".graph.txt");
        assumeTrue(Files.exists(file), "there is no published profile " + file);
        return GraphProfile.readPipeDream(file);
    }

    private static Devices devices(int count) {
        return new Devices(IntStream.range(0, count)
                .mapToObj(i -> new Device("d" + i, Device.Kind.CPU, List.of(0), Long.MAX_VALUE, 1))
                .toList());
    }

    /** The sum of all stages' times over the bottleneck: how many times as fast as one device a long step can be. */
    private static double bound(PartitionPlan plan, GraphProfile profile) {
        double perMicroBatch = profile.totalMillis() * plan.examples() / plan.microBatches();
        return perMicroBatch / plan.bottleneckMillis();
    }

    @Test
    void vgg16OnFourDevices() {
        GraphProfile profile = profile("vgg16");
        PlanOptions options = PlanOptions.defaults().withExamples(32).withMicroBatches(32);
        PartitionPlan straight =
                Planner.plan(profile, devices(4), options.withStages(4).withReplicas(1));
        // Published as 3.11; the first stage, up to the second convolution, makes it 3.107.
        assertThat(bound(straight, profile)).isGreaterThanOrEqualTo(3.107);
        PartitionPlan replicated = Planner.plan(profile, devices(4), options);
        assertThat(bound(replicated, profile)).isGreaterThanOrEqualTo(3.83);
    }

    @ParameterizedTest
    @CsvSource({"alexnet", "vgg16", "resnet50", "gnmt", "gnmt_large"})
    void neverSlowerThanSimplerRules(String name) {
        requireNeverSlower(name, profile(name));
    }

    /** An encoder and a decoder: three inputs, of which one is read twice, and a table that reads none. */
    @Test
    void neverSlowerWithSeveralInputs(@TempDir Path directory) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 3; i++) {
            addNode(text, "in" + i, "Input" + i, 0);
        }
        addNode(text, "table", "Embedding(100, 8)", 6, "in0");
        addNode(text, "e0", "LSTM(8, 8)", 5, "table", "in1");
        addNode(text, "e1", "LSTM(8, 8)", 4, "e0");
        addNode(text, "positions", "Parameter(8)", 7);
        addNode(text, "d0", "Attention(8)", 9, "positions", "e1", "in2", "in1");
        addNode(text, "d1", "LSTM(8, 8)", 3, "d0", "e1");
        addNode(text, "d2", "LSTM(8, 8)", 4, "d1", "d0");
        addNode(text, "d3", "LSTM(8, 8)", 2, "d2");
        addNode(text, "out", "Classifier(8, 100)", 8, "d3");
        Path file = Files.writeString(directory.resolve("graph.txt"), text);
        GraphProfile profile = GraphProfile.readPipeDream(file);
        assertThat(profile.totalMillis()).isEqualTo(2 * 48);
        requireNeverSlower("several inputs", profile);
    }

    private static void addNode(StringBuilder text, String name, String type, int millis, String... inputs) {
        text.append("%s -- %s -- forward_compute_time=%d.0, backward_compute_time=%d.0, activation_size=100.0,"
                .formatted(name, type, millis, millis));
        text.append(" parameter_size=%d.0%n".formatted(10 * millis));
        for (String input : inputs) {
            text.append("\t%s -- %s%n".formatted(input, name));
        }
    }

    private static void requireNeverSlower(String name, GraphProfile profile) {
        List<VertexCost> costs =
                profile.vertices().stream().filter(VertexCost::movable).toList();
        for (int count : new int[] {2, 3, 4, 8}) {
            PlanOptions options = PlanOptions.defaults()
                    .withExamples(8)
                    .withMicroBatches(8)
                    .withStages(count)
                    .withReplicas(1);
            double planned = Planner.plan(profile, devices(count), options).bottleneckMillis();
            double block = block(costs, count);
            double equalTime = equalShares(costs, count, VertexCost::millis);
            double equalParameters = equalShares(costs, count, VertexCost::parameterBytes);
            log.info(
                    "Bottleneck of {} on {} devices, in ms: planned {}, best blocks {}, equal times {}, equal parameters"
                            + " {}",
                    name,
                    count,
                    planned,
                    block,
                    equalTime,
                    equalParameters);
            assertThat(planned)
                    .as("%s on %d", name, count)
                    .isLessThanOrEqualTo(block + 1e-9)
                    .isLessThanOrEqualTo(equalTime + 1e-9)
                    .isLessThanOrEqualTo(equalParameters + 1e-9);
        }
    }

    /** The best contiguous blocks of the topological order, as torchgpipe cuts: binary search over the bottleneck. */
    private static double block(List<VertexCost> costs, int count) {
        double low = costs.stream().mapToDouble(VertexCost::millis).max().orElseThrow();
        double high = costs.stream().mapToDouble(VertexCost::millis).sum();
        for (int i = 0; i < 60; i++) {
            double middle = (low + high) / 2;
            int blocks = 1;
            double sum = 0;
            for (VertexCost cost : costs) {
                if (sum + cost.millis() > middle) {
                    blocks++;
                    sum = 0;
                }
                sum += cost.millis();
            }
            if (blocks <= count) {
                high = middle;
            } else {
                low = middle;
            }
        }
        return high;
    }

    /** The bottleneck where each stage ends when it has an equal share of something. */
    private static double equalShares(List<VertexCost> costs, int count, ToDoubleFunction<VertexCost> something) {
        double total = costs.stream().mapToDouble(something).sum();
        double[] millis = new double[count];
        double sum = 0;
        for (VertexCost cost : costs) {
            int stage = (int) Math.min(count - 1.0, sum * count / total);
            millis[stage] += cost.millis();
            sum += something.applyAsDouble(cost);
        }
        return IntStream.range(0, count)
                .mapToDouble(stage -> millis[stage])
                .max()
                .orElseThrow();
    }
}
