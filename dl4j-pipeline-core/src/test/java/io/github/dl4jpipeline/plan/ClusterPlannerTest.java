package io.github.dl4jpipeline.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.exception.NoPlanException;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.VertexCost;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ClusterPlannerTest {
    private static final double FAST = 1e12;
    private static final Duration NONE = Duration.ZERO;

    /** A chain whose vertices take 30 ms each for 16 examples. */
    private static GraphProfile chain(long gradientBytes, long... activationBytes) {
        List<VertexCost> costs = new ArrayList<>();
        costs.add(new VertexCost("in", List.of(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
        for (int i = 0; i < activationBytes.length; i++) {
            String input = i == 0 ? "in" : "v" + (i - 1);
            costs.add(new VertexCost(
                    "v" + i,
                    List.of(input),
                    10,
                    0,
                    10,
                    20,
                    0,
                    20,
                    activationBytes[i],
                    gradientBytes,
                    gradientBytes,
                    0));
        }
        return new GraphProfile(16, "core", 1, MachineSpeed.UNKNOWN, Map.of(), costs);
    }

    private static Cluster cluster(int machines, double bytesPerSecond, Duration latency) {
        return new Cluster(machines, 1, Long.MAX_VALUE, bytesPerSecond, latency);
    }

    private static double millis(PartitionPlan plan) {
        return plan.predictedStepTime().toNanos() / 1e6;
    }

    @Test
    void fastLinksMakeTwoMachinesTwiceAsFast() {
        ClusterPlan plan = ClusterPlanner.plan(
                chain(1_000, 1_000, 1_000, 1_000, 1_000), cluster(2, FAST, NONE), PlanOptions.defaults());
        assertThat(plan.machines()).isEqualTo(2);
        assertThat(plan.speedUp().orElseThrow()).isCloseTo(2, within(0.05));
        assertThat(plan.verdict()).contains("On 2 machines").contains("times as fast as one machine");
    }

    @Test
    void slowLinksLeaveItToOneMachine() {
        ClusterPlan plan = ClusterPlanner.plan(
                chain(50_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000),
                cluster(4, 1e6, NONE),
                PlanOptions.defaults());
        assertThat(plan.machines()).isEqualTo(1);
        assertThat(millis(plan.plan())).isCloseTo(120, within(1e-6));
        assertThat(plan.verdict()).startsWith("One machine is faster than 4");
    }

    @Test
    void cutsAreWhereLittleCrosses() {
        PlanOptions stages =
                PlanOptions.defaults().withStages(2).withReplicas(1).withMicroBatches(4);
        ClusterPlan plan = ClusterPlanner.plan(
                chain(1_000, 4_000_000, 4_000_000, 1_000, 4_000_000, 4_000_000), cluster(2, 1e7, NONE), stages);
        assertThat(plan.plan().stages())
                .extracting(stage -> stage.vertices().size())
                .containsExactly(4, 2);
        assertThat(plan.plan().stages()).extracting(Stage::sentBytes).containsExactly(250L, 0L);
    }

    /** Two stages pass one micro-batch forward and back: each way once the latency. */
    @Test
    void latencyIsCounted() {
        PlanOptions straight =
                PlanOptions.defaults().withStages(2).withReplicas(1).withMicroBatches(1);
        GraphProfile profile = chain(1_000, 1_000, 1_000);
        double without = millis(
                ClusterPlanner.plan(profile, cluster(2, FAST, NONE), straight).plan());
        double with = millis(ClusterPlanner.plan(profile, cluster(2, FAST, Duration.ofMillis(5)), straight)
                .plan());
        assertThat(with - without).isCloseTo(10, within(1e-6));
    }

    /** Gradients are large, so replicas are on one machine, and the machines pass activations, which are small. */
    @Test
    void replicasAreWithinAMachine() {
        ClusterPlan plan = ClusterPlanner.plan(
                chain(20_000_000, 1_000, 1_000, 1_000, 1_000),
                new Cluster(2, 2, Long.MAX_VALUE, 1e8, NONE),
                PlanOptions.defaults().withStages(2).withReplicas(2).withMicroBatches(8));
        assertThat(plan.workersPerMachine()).isEqualTo(2);
        assertThat(plan.machines()).isEqualTo(2);
        // Eight micro-batches of 15 + 15 ms on two replicas of two stages; one in each of two more slots fills the
        // pipeline.
        assertThat(millis(plan.plan())).isLessThan(90);
    }

    @Test
    void whatDoesNotFitIntoOneMachineIsCut() {
        Cluster two = new Cluster(2, 1, 150_000_000, 1e9, NONE);
        ClusterPlan plan =
                ClusterPlanner.plan(chain(30_000_000, 1_000, 1_000, 1_000, 1_000), two, PlanOptions.defaults());
        assertThat(plan.oneMachine()).isEmpty();
        assertThat(plan.plan().stages()).hasSize(2);
        assertThat(plan.verdict()).contains("one machine has too little memory");
        assertThatThrownBy(() -> ClusterPlanner.plan(chain(300_000_000, 1_000, 1_000), two, PlanOptions.defaults()))
                .isInstanceOf(NoPlanException.class);
    }

    @Test
    void coresThatWereNotMeasuredAreEstimated() {
        MachineSpeed four = new MachineSpeed(4, 0, 2.5, 1, 0);
        GraphProfile known = new GraphProfile(
                16, "core", 1, four, Map.of(), chain(1_000, 1_000).vertices());
        assertThat(ClusterPlanner.speed(known, 4, PlanOptions.defaults())).isCloseTo(2.5, within(1e-9));
        assertThat(ClusterPlanner.speed(known, 8, PlanOptions.defaults())).isCloseTo(1 + 0.5 * 7, within(1e-9));
        assertThat(ClusterPlanner.speed(chain(1_000, 1_000), 8, PlanOptions.defaults()))
                .isEqualTo(8);
    }

    @Test
    void aClusterWithoutMachinesIsRefused() {
        assertThatThrownBy(() -> cluster(0, FAST, NONE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("machines of a cluster must be between 1 and 1024, got 0");
        assertThatThrownBy(() -> cluster(2, 0, NONE)).hasMessageContaining("positive bandwidth");
    }
}
