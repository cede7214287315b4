package io.github.dl4jpipeline.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.VertexCost;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Plans for the profiles that PipeDream's authors have published, beside partitions by simpler rules. */
class PublishedProfilesTest {
    private static final Logger log = LoggerFactory.getLogger(PublishedProfilesTest.class);

    private static Path directory = Path.of(".");

    @BeforeAll
    static void findProfiles() {
        String root = System.getProperty("test.data");
        assumeTrue(
                root != null, "the system property test.data is not set, so there are no published profiles to read");
        directory = Path.of(root, "pipedream-profiles");
        assumeTrue(Files.isDirectory(directory), "there are no published profiles in " + directory);
    }

    private static GraphProfile profile(String name) {
        return GraphProfile.readPipeDream(directory.resolve(name + ".graph.txt"));
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
    @CsvSource({"alexnet", "vgg16", "resnet50"})
    void neverSlowerThanSimplerRules(String name) {
        GraphProfile profile = profile(name);
        List<VertexCost> costs = profile.vertices().stream()
                .filter(cost -> !cost.inputs().isEmpty())
                .toList();
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
