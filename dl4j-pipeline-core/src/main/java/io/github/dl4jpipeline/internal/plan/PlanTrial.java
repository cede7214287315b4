package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.MeasuredPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Chooses among a few plans by what their steps take: predictions cannot tell plans apart that are about as fast as each
 * other.
 *
 * <p>Plans take turns of a few steps, of which the first do not count, since they make arrays; nor does the first round, in
 * which code is still being compiled. Each round goes through the plans in the other direction, so that a machine that
 * becomes slower or faster does so for all alike. After each round that counts, plans that are clearly slower drop out. The
 * lower quartiles of all steps that count decide, since whatever else the machine does makes some steps slower, and none
 * faster. Of those that are nearly the same, the medians decide: other work disturbs a plan the more, the more often its
 * threads wait for each other. If those are nearly the same, too, a plan stays whose devices have the fewest threads, which
 * wait for each other in every operation. Of such, one with a single worker stays, which takes the least memory. Of such, the one
 * stays that has been predicted to be the fastest of all, or that with the least median. It is all numbers here: no clock, no thread.
 */
final class PlanTrial {
    static final int WARM_UP = 2;

    /** Steps of a turn that count: at least so many, and as many as take so long. */
    static final int LEAST_STEPS = 3;

    static final double LEAST_MILLIS = 200;

    /** Those that count. */
    static final int ROUNDS = 4;

    /**
     * A plan drops out after the first round if it is slower by this share; after the second, by half of it; and so on. What
     * else the machine does can make all steps of a round slower by more than half.
     */
    private static final double CLEARLY = 1;

    /** Plans of which none is faster by more than this share when nothing disturbs them are alike. */
    private static final double ALIKE = 0.05;

    /** Of those, plans of which none is faster by more than this share with whatever else the machine does. */
    private static final double TIE = 0.03;

    /** The share of steps that the latest execution time is to hold for. */
    private static final double NEARLY_ALL = 0.95;

    /** How many times as long as usual a step may take that is slow only because operations have been slow in the profile. */
    private static final double IN_PROPORTION = 1.5;

    /** One plan and its steps. */
    private static final class Contender {
        final PartitionPlan plan;
        final List<Double> millis = new ArrayList<>();

        Contender(PartitionPlan plan) {
            this.plan = plan;
        }

        double quartileMillis() {
            return millis.stream().sorted().toList().get((millis.size() - 1) / 4);
        }

        /**
         * When steps end at the latest. Nearly all measured steps took no longer. If the profile says later, that
         * counts, up to a bound: it may have seen slow operations that no step has met yet, but they are not all slow
         * in the same step.
         */
        Duration latest() {
            Duration planned = plan.latestExecutionTime();
            if (millis.isEmpty()) {
                return planned;
            }
            int nearlyAll = (int) Math.ceil(NEARLY_ALL * millis.size());
            double measured = millis.stream().sorted().toList().get(nearlyAll - 1);
            double profiled = Math.min(planned.toNanos() / 1e6, IN_PROPORTION * medianMillis());
            return Predictor.duration(Math.max(measured, profiled));
        }

        int threadsOfDevice() {
            return plan.stages().stream()
                    .flatMap(stage -> stage.devices().stream())
                    .mapToInt(Device::threads)
                    .max()
                    .orElse(1);
        }

        boolean hasOneWorker() {
            return plan.workers() == 1;
        }

        double medianMillis() {
            return millis.stream().sorted().toList().get((millis.size() - 1) / 2);
        }
    }

    private final List<Contender> all;
    private final List<Contender> left;
    private final Optional<Duration> deadline;

    /** Ended so far; the first does not count. */
    private int rounds;

    private int turn;
    private int stepsOfTurn;
    private double millisOfTurn;

    /**
     * @param plans the planned one first
     * @param deadline the latest execution time that the plan that stays may have, if any of them keeps it
     */
    PlanTrial(List<PartitionPlan> plans, Optional<Duration> deadline) {
        this.deadline = deadline;
        all = plans.stream().map(Contender::new).toList();
        left = new ArrayList<>(all);
    }

    boolean isOver() {
        return left.size() == 1 || rounds > ROUNDS;
    }

    /** The plan whose turn it is, or, when the trial is over, the one that stays. */
    PartitionPlan plan() {
        return isOver() ? fastest().plan : left.get(turn).plan;
    }

    /** Takes in a step of {@link #plan()}, unless the trial is over. */
    void afterStep(double stepMillis) {
        stepsOfTurn++;
        if (stepsOfTurn <= WARM_UP) {
            return;
        }
        millisOfTurn += stepMillis;
        if (rounds > 0) {
            left.get(turn).millis.add(stepMillis);
        }
        if (stepsOfTurn >= WARM_UP + LEAST_STEPS && millisOfTurn >= LEAST_MILLIS) {
            stepsOfTurn = 0;
            millisOfTurn = 0;
            turn++;
            if (turn == left.size()) {
                endRound();
            }
        }
    }

    private void endRound() {
        if (rounds > 0) {
            double slow = (1 + CLEARLY / rounds) * leastMillis(left);
            left.removeIf(contender -> contender.quartileMillis() > slow);
        }
        rounds++;
        turn = 0;
        Collections.reverse(left);
    }

    private static double leastMillis(List<Contender> contenders) {
        return contenders.stream().mapToDouble(Contender::quartileMillis).min().orElseThrow();
    }

    private Contender fastest() {
        if (left.size() == 1) {
            return left.get(0);
        }
        List<Contender> inTime = left.stream()
                .filter(contender -> deadline.isEmpty() || contender.latest().compareTo(deadline.get()) <= 0)
                .toList();
        List<Contender> possible = inTime.isEmpty() ? left : inTime;
        double least = leastMillis(possible);
        List<Contender> alike = possible.stream()
                .filter(contender -> contender.quartileMillis() <= (1 + ALIKE) * least)
                .toList();
        double leastMedian =
                alike.stream().mapToDouble(Contender::medianMillis).min().orElseThrow();
        Contender planned = all.get(0);
        return alike.stream()
                .filter(contender -> contender.medianMillis() <= (1 + TIE) * leastMedian)
                .min(Comparator.comparingInt(Contender::threadsOfDevice)
                        .thenComparing(contender -> !contender.hasOneWorker())
                        .thenComparing(contender -> contender != planned)
                        .thenComparingDouble(Contender::medianMillis))
                .orElseThrow();
    }

    /** Ends the trial with what has been measured so far; the plan that training has started with stays if nothing has. */
    void stop() {
        left.removeIf(contender -> contender.millis.isEmpty());
        Contender stays = left.isEmpty() ? all.get(0) : fastest();
        left.clear();
        left.add(stays);
    }

    /** Why the plan that stays has been chosen, as a sentence without its full stop. */
    String reason() {
        Contender stays = fastest();
        if (stays.millis.isEmpty()) {
            return all.size() == 1
                    ? "no other came into question"
                    : "it is predicted to be the fastest, and none was measured";
        }
        Contender least = all.stream()
                .filter(contender -> !contender.millis.isEmpty())
                .min(Comparator.comparingDouble(Contender::quartileMillis))
                .orElseThrow();
        if (least == stays) {
            return "no other plan was faster";
        }
        String faster = String.format(
                Locale.ROOT,
                "%s was %.0f %% faster, but ",
                least.plan.kind(),
                100 * (stays.quartileMillis() / least.quartileMillis() - 1));
        if (deadline.isPresent() && least.latest().compareTo(deadline.get()) > 0) {
            return faster + "not within the deadline";
        }
        if (least.medianMillis() > stays.medianMillis()) {
            return faster + "its usual steps were slower";
        }
        return faster + "that is too little to tell them apart, and this plan is " + advantage(stays, least);
    }

    private static String advantage(Contender stays, Contender least) {
        if (least.threadsOfDevice() > stays.threadsOfDevice()) {
            return "disturbed less";
        }
        return stays.hasOneWorker() && !least.hasOneWorker() ? "simpler" : "predicted to be faster";
    }

    /** The latest execution time of the plan that stays, by what has been measured. */
    Duration latestExecutionTime() {
        return fastest().latest();
    }

    /** What has been measured so far, of each plan that has had steps that count, fastest first. */
    List<MeasuredPlan> measured() {
        return all.stream()
                .filter(contender -> !contender.millis.isEmpty())
                .map(contender -> new MeasuredPlan(contender.plan, contender.millis.size(), contender.quartileMillis()))
                .sorted(Comparator.comparingDouble(MeasuredPlan::stepMillis))
                .toList();
    }
}
