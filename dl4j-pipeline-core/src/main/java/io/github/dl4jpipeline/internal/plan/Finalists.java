package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.Alternative;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.PlanKind;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.profile.GraphProfile;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Finds the plans of a search that may be the fastest when they are measured. */
public final class Finalists {
    /** Plans that differ by less are as good as each other, and the simplest is taken. */
    private static final double SAME = 1.01;

    /** Predictions can be off by so much, one against the other. */
    private static final double INACCURACY = 1.5;

    /**
     * In a step of one worker that takes no longer, what predictions leave out can decide: that workers wake each other. It costs
     * little to measure.
     */
    private static final Duration SMALL = Duration.ofMillis(20);

    private static final int MOST_FINALISTS = 4;

    private static final Comparator<PartitionPlan> SIMPLEST = Comparator.comparingInt(PartitionPlan::workers)
            .thenComparingInt(PartitionPlan::microBatches)
            .thenComparingInt(plan -> plan.stages().size())
            .thenComparing(PartitionPlan::splitsBackward)
            .thenComparing(PartitionPlan::predictedStepTime)
            .thenComparingInt(plan -> -plan.stages().get(0).device().threads());

    private Finalists() {}

    /**
     * Plans that may be the fastest when they are measured: first the best, then the best of each other kind, if
     * it is predicted to be nearly as fast, or has one worker for a small network. There are few.
     *
     * @throws io.github.dl4jpipeline.exception.NoPlanException if there is none; the message says what binds
     */
    public static List<PartitionPlan> of(GraphProfile profile, Devices devices, PlanOptions options) {
        List<Candidate> all = search(profile, devices, options, true).candidates();
        boolean sharesMemory =
                devices.get(0).kind() == Device.Kind.CPU && options.machines().isEmpty();
        if (all.isEmpty() && sharesMemory) { // which tiles need
            all = TilePlanner.insteadOfStages(profile, devices, options).stream()
                    .map(Candidate::new)
                    .toList();
        }
        if (all.isEmpty()) {
            PlanOptions leastMemory =
                    options.withRecompute(Optional.of(options.recompute().orElse(true)));
            throw PlanErrors.outOfMemory(
                    plans(search(profile, devices, leastMemory, false).candidates()), devices);
        }
        List<PartitionPlan> finalists = of(all, options);
        if (finalists.isEmpty()) {
            throw PlanErrors.tooLate(plans(all), options, examples -> isPossible(profile, devices, options, examples));
        }
        return finalists;
    }

    /**
     * A plan with its stages and devices as they are, predicted anew.
     *
     * @param plan made for this graph and these devices, by whatever profile
     * @param profile of the same graph, taken at another time
     */
    public static PartitionPlan predict(
            PartitionPlan plan, GraphProfile profile, Devices devices, PlanOptions options) {
        return search(profile, devices, options, false).again(plan);
    }

    private static Search search(GraphProfile profile, Devices devices, PlanOptions options, boolean limitMemory) {
        return new Search(profile, devices, options, Slowdowns.NONE, limitMemory);
    }

    /** The best of some plans, then the best of other kinds: one worker if it is fast, then fastest first; empty if none meets the deadline. */
    static List<PartitionPlan> of(List<Candidate> candidates, PlanOptions options) {
        List<Candidate> inTime = candidates.stream()
                .filter(candidate -> isInTime(candidate.plan(), options))
                .toList();
        if (inTime.isEmpty()) {
            return List.of();
        }
        inTime = overlapping(inTime);
        PartitionPlan chosen = best(inTime, options);
        Map<PlanKind, List<Candidate>> byKind = inTime.stream()
                .collect(Collectors.groupingBy(candidate -> candidate.plan().kind()));
        Stream<PartitionPlan> others = byKind.entrySet().stream()
                .filter(kind -> !kind.getKey().equals(chosen.kind()))
                .map(kind -> simplest(kind.getValue()).plan())
                .filter(other -> isSmallAndAlone(other)
                        || other.predictedStepTime().toNanos()
                                <= INACCURACY * chosen.predictedStepTime().toNanos())
                .sorted(Comparator.comparing((PartitionPlan other) -> !isSmallAndAlone(other))
                        .thenComparing(PartitionPlan::predictedStepTime));
        List<PartitionPlan> plans = plans(inTime);
        return Stream.concat(Stream.of(chosen), others)
                .limit(MOST_FINALISTS)
                .map(plan -> withAlternatives(plan, plans))
                .toList();
    }

    private static boolean isSmallAndAlone(PartitionPlan plan) {
        return plan.workers() == 1
                && plan.stages().get(0).device().threads() == 1
                && plan.predictedStepTime().compareTo(SMALL) <= 0;
    }

    /**
     * Without plans of several stages with one micro-batch, if there are others. Of those stages only parameter gradients overlap,
     * so they depend most on predictions.
     */
    private static List<Candidate> overlapping(List<Candidate> candidates) {
        List<Candidate> left = candidates.stream()
                .filter(candidate -> candidate.plan().stages().size() == 1
                        || candidate.plan().microBatches() > 1)
                .toList();
        return left.isEmpty() ? candidates : left;
    }

    private static List<PartitionPlan> plans(List<Candidate> candidates) {
        return candidates.stream().map(Candidate::plan).toList();
    }

    private static boolean isInTime(PartitionPlan plan, PlanOptions options) {
        return options.deadline().isEmpty()
                || plan.latestExecutionTime().compareTo(options.deadline().get()) <= 0;
    }

    private static boolean isPossible(GraphProfile profile, Devices devices, PlanOptions options, int examples) {
        return search(profile, devices, options.withExamples(examples), true).candidates().stream()
                .anyMatch(candidate -> isInTime(candidate.plan(), options));
    }

    private static PartitionPlan best(List<Candidate> candidates, PlanOptions options) {
        long shortest = shortestNanos(candidates);
        Candidate best = simplest(candidates);
        PartitionPlan lighter = best.withLeastTraffic().get();
        return isAsGood(lighter, shortest) && isInTime(lighter, options) ? lighter : best.plan();
    }

    /** The simplest of the fastest. */
    private static Candidate simplest(List<Candidate> candidates) {
        long shortest = shortestNanos(candidates);
        return candidates.stream()
                .filter(candidate -> isAsGood(candidate.plan(), shortest))
                .min(Comparator.comparing(Candidate::plan, SIMPLEST))
                .orElseThrow();
    }

    private static long shortestNanos(List<Candidate> candidates) {
        return candidates.stream()
                .mapToLong(candidate -> candidate.plan().predictedStepTime().toNanos())
                .min()
                .orElseThrow();
    }

    private static boolean isAsGood(PartitionPlan plan, long shortestNanos) {
        return plan.predictedStepTime().toNanos() <= shortestNanos * SAME;
    }

    private static PartitionPlan withAlternatives(PartitionPlan chosen, List<PartitionPlan> plans) {
        Map<PlanKind, PartitionPlan> bestOfKind = new LinkedHashMap<>();
        for (PartitionPlan plan : plans) {
            bestOfKind.merge(
                    plan.kind(),
                    plan,
                    (one, other) -> one.predictedStepTime().compareTo(other.predictedStepTime()) <= 0 ? one : other);
        }
        bestOfKind.remove(chosen.kind());
        List<Alternative> alternatives = bestOfKind.values().stream()
                .map(plan -> new Alternative(
                        plan.kind().toString(),
                        plan.stages().size(),
                        plan.workers(),
                        plan.microBatches(),
                        plan.predictedStepTime()))
                .sorted(Comparator.comparing(Alternative::predictedStepTime))
                .toList();
        return chosen.withAlternatives(alternatives);
    }
}
