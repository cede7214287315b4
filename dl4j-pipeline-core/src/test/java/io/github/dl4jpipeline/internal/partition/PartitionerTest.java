package io.github.dl4jpipeline.internal.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PartitionerTest {
    private static boolean any(int replicas) {
        return replicas > 0;
    }

    private static boolean one(int replicas) {
        return replicas == 1;
    }

    private static VertexCost cost(int vertex, List<Integer> inputs, double millis, long activation, long bytes) {
        return cost(vertex, inputs, millis, 0, activation, bytes);
    }

    /** Of a vertex of whose time a share comes once for all micro-batches. */
    private static VertexCost cost(
            int vertex, List<Integer> inputs, double millis, double once, long activation, long bytes) {
        List<String> names = inputs.stream().map(input -> "v" + input).toList();
        double forward = millis / 4;
        double backward = millis - forward;
        return new VertexCost(
                "v" + vertex,
                names,
                new PassTimes(forward, 0, forward, once * forward),
                new PassTimes(backward, 0, backward, once * backward),
                new VertexBytes(activation, bytes, bytes, bytes));
    }

    private static List<VertexCost> chain(double... millis) {
        return IntStream.range(0, millis.length)
                .mapToObj(v -> cost(v, v == 0 ? List.of() : List.of(v - 1), millis[v], 10, 10))
                .toList();
    }

    private static PartitionRequest request(List<VertexCost> costs, IntPredicate replicas, DeviceGroup... groups) {
        return new PartitionRequest(
                costs,
                List.of(groups),
                LinkTimes.NONE,
                0,
                8,
                new StageRules(replicas, PartitionerTest::inFlight, false));
    }

    /** As one-forward-one-backward has it. */
    private static int inFlight(int replicas, int after) {
        return (replicas + after + replicas - 1) / replicas;
    }

    private static DeviceGroup devices(int count) {
        return new DeviceGroup(1, Long.MAX_VALUE, count);
    }

    private static Optional<Partition> solve(PartitionRequest request, Integer... use) {
        int devices = request.groups().stream().mapToInt(DeviceGroup::count).sum();
        return new Partitioner(request.costs(), devices, Set.of())
                .solve(request)
                .partition(List.of(use));
    }

    private static List<List<Integer>> vertices(Partition partition) {
        return partition.parts().stream().map(Partition.Part::vertices).toList();
    }

    @Test
    void cutsWhereTheSlowestStageIsFastest() {
        Partition three = solve(request(chain(4, 1, 1, 1, 1, 4), PartitionerTest::one, devices(3)), 3)
                .orElseThrow();
        assertThat(vertices(three)).containsExactly(List.of(0), List.of(1, 2, 3, 4), List.of(5));
        assertThat(three.bottleneckMillis()).isEqualTo(4);
        assertThat(solve(request(chain(1, 2), PartitionerTest::one, devices(3)), 3))
                .isEmpty();
    }

    @Test
    void amongEqualsTheOneThatSendsLeast() {
        List<VertexCost> costs = List.of(
                cost(0, List.of(), 2, 9, 0),
                cost(1, List.of(0), 0, 5, 0),
                cost(2, List.of(1), 0, 7, 0),
                cost(3, List.of(2), 2, 0, 0));
        Partition partition = new Partitioner(costs, 2, Set.of())
                .solve(request(costs, PartitionerTest::one, devices(2)))
                .partitionWithLeastTraffic(List.of(2))
                .orElseThrow();
        assertThat(vertices(partition)).containsExactly(List.of(0, 1), List.of(2, 3));
        assertThat(partition.parts().get(0).crossingBytes()).isEqualTo(5);
    }

    @Test
    void noCutBetweenVerticesOfOneStage() {
        PartitionRequest request = request(chain(1, 1, 1, 1, 1, 1), PartitionerTest::one, devices(2));
        Partitioner partitioner = new Partitioner(request.costs(), 2, Set.of("v1", "v3", "elsewhere"));
        assertThat(vertices(partitioner.solve(request).partition(List.of(2)).orElseThrow()))
                .containsExactly(List.of(0, 1, 2, 3), List.of(4, 5));
        assertThat(partitioner.simplification()).isEmpty();
        PartitionRequest three = request(chain(1, 1, 1, 1), PartitionerTest::one, devices(3));
        assertThat(new Partitioner(three.costs(), 3, Set.of("v0", "v2"))
                        .solve(three)
                        .partition(List.of(3)))
                .isEmpty();
    }

    @Test
    void aSlowVertexGetsReplicas() {
        Partition partition = solve(request(chain(1, 6, 1), PartitionerTest::any, devices(4)), 4)
                .orElseThrow();
        assertThat(partition.bottleneckMillis()).isEqualTo(2);
        PartitionRequest slowSum = new PartitionRequest(
                chain(2, 6, 2),
                List.of(devices(5)),
                new LinkTimes(100, 1),
                0,
                8,
                new StageRules(PartitionerTest::any, PartitionerTest::inFlight, false));
        assertThat(solve(slowSum, 5).orElseThrow().parts().stream().map(Partition.Part::replicas))
                .containsExactly(1, 3, 1);
    }

    @Test
    void twoSlowDevicesAndAFastOne() {
        DeviceGroup slow = new DeviceGroup(1, Long.MAX_VALUE, 2);
        DeviceGroup fast = new DeviceGroup(4, Long.MAX_VALUE, 1);
        Partition partition = solve(request(chain(1, 1, 4, 4, 1), PartitionerTest::one, slow, fast), 2, 1)
                .orElseThrow();
        assertThat(partition.bottleneckMillis()).isEqualTo(2);
        assertThat(partition.parts().stream().map(Partition.Part::group)).containsExactly(0, 1, 0);
    }

    @Test
    void memoryOfTheActivationsInFlightBinds() {
        List<VertexCost> costs = chain(1, 1, 1, 1);
        // A vertex: parameters 10, two copies of gradients 20, updater 10; activations 10 for each micro-batch in
        // flight.
        // Of 2 stages the first has 2 in flight, so 60 bytes a vertex, the second 50.
        Partition roomy = solve(request(costs, PartitionerTest::one, new DeviceGroup(1, 120, 2)), 2)
                .orElseThrow();
        assertThat(vertices(roomy)).containsExactly(List.of(0, 1), List.of(2, 3));
        Partition matched = solve(
                        request(costs, PartitionerTest::one, new DeviceGroup(1, 119, 1), new DeviceGroup(1, 120, 1)),
                        1,
                        1)
                .orElseThrow();
        assertThat(matched.bottleneckMillis()).isEqualTo(2);
        assertThat(matched.parts().stream().map(Partition.Part::group)).containsExactly(1, 0);
        assertThat(solve(request(costs, PartitionerTest::one, new DeviceGroup(1, 99, 2)), 2))
                .isEmpty();
    }

    @Test
    void activationsThatDoNotFitAreComputedAgain() {
        List<VertexCost> costs = List.of(
                cost(0, List.of(), 1, 100, 10),
                cost(1, List.of(0), 1, 10, 10),
                cost(2, List.of(1), 1, 10, 10),
                cost(3, List.of(2), 1, 10, 10));
        // With 2 micro-batches in flight the first vertex alone needs 240 bytes; the first two, if the 100 are there
        // once, 210.
        PartitionRequest keeping = request(costs, PartitionerTest::one, new DeviceGroup(1, 239, 2));
        assertThat(solve(keeping, 2)).isEmpty();
        PartitionRequest request = new PartitionRequest(
                costs,
                keeping.groups(),
                LinkTimes.NONE,
                0,
                8,
                new StageRules(PartitionerTest::one, PartitionerTest::inFlight, true));
        Partition partition = solve(request, 2).orElseThrow();
        assertThat(vertices(partition)).containsExactly(List.of(0, 1), List.of(2, 3));
        assertThat(partition.bottleneckMillis()).isEqualTo(2 + 2 * costs.get(0).forwardMillis());
    }

    @Test
    void equalsBruteForceOnRandomGraphs() {
        Random random = new Random(7);
        for (int round = 0; round < 1_000; round++) {
            List<List<Integer>> inputs = AntichainGraphTest.randomInputs(random, 1 + random.nextInt(10));
            PartitionRequest request = randomRequest(random, round, inputs);
            int devices = request.groups().stream().mapToInt(DeviceGroup::count).sum();
            PartitionSolver solver = new Partitioner(request.costs(), devices, Set.of()).solve(request);
            BruteForce expected = new BruteForce(request, inputs);
            for (List<Integer> use : solver.uses()) {
                double best = expected.best(use);
                Optional<Partition> found = solver.partition(use);
                assertThat(found.isEmpty()).as("round %d, %s", round, use).isEqualTo(Double.isInfinite(best));
                if (found.isPresent()) {
                    assertThat(found.get().bottleneckMillis())
                            .as("round %d, %s", round, use)
                            .isCloseTo(best, within(1e-9));
                    requireValid(found.get(), inputs);
                    requireValid(solver.partitionWithLeastTraffic(use).orElseThrow(), inputs);
                }
            }
        }
    }

    private static PartitionRequest randomRequest(Random random, int round, List<List<Integer>> inputs) {
        List<VertexCost> costs = new ArrayList<>();
        for (int vertex = 0; vertex < inputs.size(); vertex++) {
            double millis = round % 3 == 0 ? random.nextInt(3) : random.nextDouble() * 10;
            double once = random.nextInt(2) * random.nextDouble() / 2;
            costs.add(cost(vertex, inputs.get(vertex), millis, once, random.nextInt(50), random.nextInt(50)));
        }
        int devices = inputs.size() > 7 ? 3 : 4;
        int alike = 1 + random.nextInt(devices);
        boolean tight = round % 4 == 0;
        List<DeviceGroup> groups = new ArrayList<>();
        groups.add(new DeviceGroup(1, tight ? 400 + random.nextInt(600) : Long.MAX_VALUE, alike));
        if (alike < devices) {
            double speed = 0.5 + random.nextDouble() * 3;
            groups.add(new DeviceGroup(speed, tight ? 800 : Long.MAX_VALUE, devices - alike));
        }
        boolean links = random.nextBoolean();
        return new PartitionRequest(
                costs,
                groups,
                links ? new LinkTimes(5 + random.nextDouble() * 50, random.nextDouble() / 10) : LinkTimes.NONE,
                random.nextInt(2) * random.nextDouble() / 100,
                8,
                new StageRules(
                        random.nextInt(3) == 0 ? PartitionerTest::one : PartitionerTest::any,
                        PartitionerTest::inFlight,
                        round % 8 == 0));
    }

    /** Every vertex in exactly one stage, and none that reads a later stage. */
    private static void requireValid(Partition partition, List<List<Integer>> inputs) {
        int[] stageOf = new int[inputs.size()];
        Arrays.fill(stageOf, -1);
        for (int stage = 0; stage < partition.parts().size(); stage++) {
            for (int vertex : partition.parts().get(stage).vertices()) {
                assertThat(stageOf[vertex]).isEqualTo(-1);
                stageOf[vertex] = stage;
            }
        }
        for (int vertex = 0; vertex < stageOf.length; vertex++) {
            assertThat(stageOf[vertex]).isNotNegative();
            for (int input : inputs.get(vertex)) {
                assertThat(stageOf[input]).isLessThanOrEqualTo(stageOf[vertex]);
            }
        }
    }

    @Test
    void longChainsAreThinnedOut() {
        double[] millis = new Random(1).doubles(10_000, 0, 1).toArray();
        PartitionRequest request = request(chain(millis), PartitionerTest::one, devices(8));
        Partitioner partitioner = new Partitioner(request.costs(), 8, Set.of());
        Partition partition = partitioner.solve(request).partition(List.of(8)).orElseThrow();
        double total = Arrays.stream(millis).sum();
        assertThat(partition.bottleneckMillis()).isBetween(total / 8, total / 8 + total / 500);
        assertThat(partitioner.simplification()).contains("places to cut were tried");
    }
}
