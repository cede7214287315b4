package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.partition.LinkTimes;
import io.github.dl4jpipeline.internal.partition.Partition;
import io.github.dl4jpipeline.internal.partition.PartitionRequest;
import io.github.dl4jpipeline.internal.partition.PartitionSolver;
import io.github.dl4jpipeline.internal.partition.Partitioner;
import io.github.dl4jpipeline.internal.partition.StageRules;
import io.github.dl4jpipeline.internal.profile.JointDevice;
import io.github.dl4jpipeline.partition.MachineLinks;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.ScheduleSimulator;
import io.github.dl4jpipeline.schedule.Schedules;
import io.github.dl4jpipeline.schedule.Workers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.IntBinaryOperator;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Lists the plans that can be the best: numbers of micro-batches, stages, replicas and threads. One device, one device with
 * the threads of all, data parallelism, pipelines and what lies between are all among them.
 */
public final class Search {
    private static final int MOST_MICRO_BATCHES_PER_DEVICE = 8;
    private static final int FEW_DEVICES = 8;

    /** Rows of a dense layer, in micro-batches that run it as one: it gains from fewer, and nothing more from more. */
    private static final int LEAST_ROWS = 32;

    private static final int MOST_ROWS = 128;

    /** Plans with groups may be measured if their prediction is this part of that without, and are taken without measuring at that. */
    private static final double TRIED = 1.05;

    private static final double GAIN = 0.98;

    /** Of stages for each device. */
    private static final int MOST_ROUNDS = 3;

    private final GraphProfile profile;
    private final Devices devices;
    private final PlanOptions options;
    private final boolean limitMemory;

    /** All cores as one device. */
    private final Device joint;

    private final int examples;
    private final LinkTimes links;
    private final Partitioner partitioner;

    /** The devices, repeated if the user asks for more workers than there are. */
    private final List<Device> places;

    private final Predictor predictor;

    /**
     * @param slowdowns how much slower than profiled devices are
     * @param limitMemory whether plans must fit into the devices' memory
     */
    public Search(
            GraphProfile profile, Devices devices, PlanOptions options, Slowdowns slowdowns, boolean limitMemory) {
        this.profile = profile;
        this.devices = slowdowns.applyTo(devices);
        this.joint = slowdowns.applyTo(JointDevice.of(devices), devices);
        this.options = options;
        this.limitMemory = limitMemory;
        // A batch of fewer examples than micro-batches asked for says nothing about larger ones, and nor would its
        // plan.
        this.examples = Math.max(
                options.examples().orElse(profile.examples()),
                options.microBatches().orElse(1));
        List<VertexCost> movable = movable(profile.vertices());
        int stages = options.stages().orElse(1);
        if (stages > movable.size()) {
            throw new IllegalArgumentException("Cannot cut " + movable.size() + " vertices into " + stages
                    + " stages; between 1 and " + movable.size() + " are possible");
        }
        int wanted = stages * options.replicas().orElse(1);
        this.places = places(Math.max(wanted, devices.size()));
        this.partitioner = new Partitioner(movable, places.size(), options.inOneStage());
        // A ring of replicas passes each gradient on twice, there and back [from Narayanan et al., SOSP 2019].
        MachineSpeed machine = profile.machine();
        this.links = options.machines()
                .map(machines -> LinkTimes.between(machines, machine.addMillisPerByte()))
                .orElseGet(() -> new LinkTimes(
                        options.bytesPerSecond() / 1_000,
                        4_000 / options.bytesPerSecond() + machine.addMillisPerByte()));
        List<String> notes = new ArrayList<>(options.notes());
        if (!partitioner.simplification().isEmpty()) {
            notes.add("Simplified: " + partitioner.simplification());
        }
        this.predictor = new Predictor(examples, links, machine, mayRecompute(), this::sharedSpeed, notes);
    }

    /** All cores as one device, as fast as it is for so many micro-batches. */
    private Device joint(int microBatches) {
        boolean measured = profile.machine().jointThreads() == joint.threads();
        double speed = measured ? profile.jointSpeed((double) examples / microBatches) : 1;
        return joint.withRelativeSpeed(joint.relativeSpeed() * speed);
    }

    private static List<VertexCost> movable(List<VertexCost> costs) {
        return costs.stream().filter(VertexCost::movable).toList();
    }

    private boolean mayRecompute() {
        return options.recompute().orElse(true);
    }

    private boolean mustRecompute() {
        return options.recompute().orElse(false);
    }

    /** Of devices that have to be shared, each has a part of the memory. */
    private List<Device> places(int count) {
        int turns = (count + devices.size() - 1) / devices.size();
        List<Device> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Device device = devices.get(i % devices.size());
            all.add(withMemory(device, device.memoryBytes() / turns));
        }
        return all;
    }

    private static Device withMemory(Device device, long bytes) {
        return new Device(device.id(), device.kind(), device.cores(), bytes, device.relativeSpeed());
    }

    private double sharedSpeed(int workers, int busy) {
        double turns = Math.min(1, (double) devices.size() / workers);
        int together = options.machines().map(MachineLinks::devicesPerMachine).orElse(devices.size());
        double others = together == 1 ? 0 : Math.min(1, (busy - 1.0) / (together - 1));
        return turns * (1 - (1 - profile.machine().sharedSpeed()) * others);
    }

    /** All plans worth comparing. */
    public List<Candidate> candidates() {
        List<Candidate> plans = new ArrayList<>();
        Duration oneDevice = oneDeviceTime();
        for (int microBatches : microBatchChoices()) {
            List<VertexCost> costs = profile.costsFor((double) examples / microBatches);
            addOnOneDevice(plans, costs, microBatches, oneDevice);
            for (IntPredicate replicas : replicaChoices(microBatches)) {
                addPartitions(plans, costs, microBatches, replicas, oneDevice);
            }
            for (int rounds = 2; rounds <= MOST_ROUNDS; rounds++) {
                addInterleaved(plans, costs, microBatches, rounds, oneDevice);
            }
        }
        return plans;
    }

    /** A plan as it would be on these devices, which it has been made for when they had other speeds. */
    public PartitionPlan again(PartitionPlan plan) {
        Map<String, VertexCost> costs = profile.costsFor((double) examples / plan.microBatches()).stream()
                .collect(Collectors.toMap(VertexCost::vertex, cost -> cost));
        Map<String, Device> present = new HashMap<>(Map.of(joint.id(), joint(plan.microBatches())));
        devices.list().forEach(device -> present.put(device.id(), device));
        List<StageDraft> drafts = plan.stages().stream()
                .map(stage -> new StageDraft(
                        stage.vertices().stream().map(costs::get).toList(),
                        stage.devices().stream()
                                .map(device -> present.get(device.id()))
                                .toList(),
                        stage.sentBytes(),
                        stage.recompute()))
                .toList();
        Schedule schedule = options.schedule().orElse(plan.schedule());
        return predictor.predict(
                grouping(drafts, plan.microBatches(), plan.grouped()), plan.microBatches(), schedule, oneDeviceTime());
    }

    /** The stages with the last vertices of the last one in groups of so many micro-batches. */
    private List<StageDraft> grouping(List<StageDraft> drafts, int microBatches, int size) {
        if (size == 1) {
            return drafts;
        }
        List<StageDraft> others = new ArrayList<>(drafts);
        StageDraft last = others.remove(others.size() - 1);
        Set<String> own = last.costs().stream().map(VertexCost::vertex).collect(Collectors.toSet());
        List<VertexCost> costs = profile.costsFor((double) examples / microBatches * size).stream()
                .filter(cost ->
                        own.contains(cost.vertex()) && options.inGroups().contains(cost.vertex()))
                .toList();
        others.add(last.grouping(new StageDraft.Group(size, costs)));
        return others;
    }

    /** How many micro-batches may run the last vertices of the last stage as one, besides one. */
    private List<Integer> groupChoices(List<StageDraft> drafts, int microBatches) {
        boolean can = options.machines().isEmpty()
                && !mustRecompute()
                && drafts.stream().allMatch(draft -> draft.devices().size() == 1)
                && drafts.get(drafts.size() - 1).costs().stream()
                        .anyMatch(cost -> options.inGroups().contains(cost.vertex()));
        List<Integer> choices = new ArrayList<>();
        for (int size = 2; can && size <= microBatches; size *= 2) {
            int rows = examples * size / microBatches;
            if (LEAST_ROWS <= rows && rows <= MOST_ROWS) {
                choices.add(size);
            }
        }
        return choices;
    }

    /**
     * In groups of how many micro-batches the stages are predicted to be the fastest; 1 if that is by far slower than without groups. A
     * pipeline with groups is of another kind, so both can be measured. On one device prediction decides.
     */
    private int bestGroup(
            List<StageDraft> drafts, int microBatches, Schedule schedule, Duration oneDevice, PartitionPlan alone) {
        int best = 1;
        double least = alone.predictedStepTime().toNanos() * (drafts.size() > 1 ? TRIED : GAIN);
        for (int size : groupChoices(drafts, microBatches)) {
            PartitionPlan plan =
                    predictor.predict(grouping(drafts, microBatches, size), microBatches, schedule, oneDevice);
            if (plan.grouped() == size
                    && hasRoom(plan)
                    && plan.predictedStepTime().toNanos() < least) {
                best = size;
                least = plan.predictedStepTime().toNanos();
            }
        }
        return best;
    }

    private SortedSet<Integer> microBatchChoices() {
        if (options.microBatches().isPresent()) {
            return new TreeSet<>(List.of(options.microBatches().getAsInt()));
        }
        SortedSet<Integer> choices = new TreeSet<>();
        if (options.together()) {
            int first = options.replicas().orElse(1);
            int last = options.replicas().orElse(places.size());
            IntStream.rangeClosed(first, last).forEach(count -> choices.add(Math.min(count, examples)));
            return choices;
        }
        int most = Math.min(examples, MOST_MICRO_BATCHES_PER_DEVICE * places.size());
        for (int first : new int[] {
            1, places.size() <= FEW_DEVICES ? 3 : 1, options.replicas().orElse(1), places.size()
        }) {
            for (int count = first; count <= most; count *= 2) {
                choices.add(count);
            }
        }
        return choices;
    }

    private List<IntPredicate> replicaChoices(int microBatches) {
        if (options.replicas().isPresent()) {
            int wanted = options.replicas().getAsInt();
            return List.of(number -> number == wanted);
        }
        if (options.together()) {
            return List.of(number -> number == microBatches);
        }
        List<IntPredicate> choices = new ArrayList<>(List.of(Search::isUsual));
        for (int replicas = 1; replicas <= places.size(); replicas++) {
            if (replicas <= 4 || places.size() % replicas == 0) {
                int wanted = replicas;
                choices.add(number -> number == wanted);
            }
        }
        return choices;
    }

    /** Of many replicas only some numbers are tried. */
    private static boolean isUsual(int replicas) {
        return replicas <= FEW_DEVICES || replicas % FEW_DEVICES == 0;
    }

    /** One stage on all cores of all devices, whose operations use as many threads. */
    private void addOnOneDevice(List<Candidate> plans, List<VertexCost> costs, int microBatches, Duration oneDevice) {
        boolean another =
                joint.threads() > devices.get(0).threads() && options.machines().isEmpty();
        if (!another
                || (options.together() && microBatches > 1)
                || options.stages().orElse(1) > 1
                || options.replicas().orElse(1) > 1) {
            return;
        }
        PartitionPlan plan = predictor.predict(
                List.of(new StageDraft(costs, List.of(joint(microBatches)), 0, mustRecompute())),
                microBatches,
                options.usualSchedule(),
                oneDevice);
        if (!limitMemory || plan.stages().get(0).memoryBytes() <= joint.memoryBytes()) {
            plans.add(new Candidate(plan, () -> plan));
        }
    }

    private void addPartitions(
            List<Candidate> plans,
            List<VertexCost> costs,
            int microBatches,
            IntPredicate replicas,
            Duration oneDevice) {
        DevicePool pool = pool(places);
        PartitionSolver solver = partitioner.solve(new PartitionRequest(
                movable(costs),
                pool.groups(),
                links,
                profile.machine().addMillisPerByte(),
                microBatches,
                new StageRules(replicas, inFlight(microBatches), mayRecompute())));
        for (List<Integer> use : solver.uses()) {
            int workers = use.stream().mapToInt(Integer::intValue).sum();
            if (isTried(workers)) {
                Supplier<Optional<List<StageDraft>>> lighter = () -> solver.partitionWithLeastTraffic(use)
                        .filter(this::hasStagesAskedFor)
                        .map(partition -> drafts(partition, pool, costs));
                solver.partition(use)
                        .filter(this::hasStagesAskedFor)
                        .map(partition -> drafts(partition, pool, costs))
                        .ifPresent(drafts -> addScheduled(plans, drafts, lighter, microBatches, oneDevice));
            }
        }
    }

    private boolean hasStagesAskedFor(Partition partition) {
        int stages = partition.parts().size();
        return options.stages().orElse(stages) == stages;
    }

    /** The same stages in each schedule that may be the fastest for them. */
    private void addScheduled(
            List<Candidate> plans,
            List<StageDraft> drafts,
            Supplier<Optional<List<StageDraft>>> lighter,
            int microBatches,
            Duration oneDevice) {
        for (Schedule schedule : schedules(drafts)) {
            PartitionPlan alone = predictor.predict(drafts, microBatches, schedule, oneDevice);
            int size = bestGroup(drafts, microBatches, schedule, oneDevice, alone);
            if (size == 1 || drafts.size() > 1) {
                addScheduled(plans, alone, lighter, schedule, oneDevice);
            }
            if (size > 1) {
                PartitionPlan grouped =
                        predictor.predict(grouping(drafts, microBatches, size), microBatches, schedule, oneDevice);
                addScheduled(plans, grouped, lighter, schedule, oneDevice);
            }
        }
    }

    private void addScheduled(
            List<Candidate> plans,
            PartitionPlan plan,
            Supplier<Optional<List<StageDraft>>> lighter,
            Schedule schedule,
            Duration oneDevice) {
        int microBatches = plan.microBatches();
        if (fits(plan, schedule)) {
            plans.add(new Candidate(plan, () -> lighter.get()
                    .map(other -> predictor.predict(
                            grouping(other, microBatches, plan.grouped()), microBatches, schedule, oneDevice))
                    .filter(other -> fits(other, schedule))
                    .orElse(plan)));
        }
    }

    private List<Schedule> schedules(List<StageDraft> drafts) {
        if (options.schedule().isPresent() || drafts.size() == 1) {
            return List.of(options.usualSchedule());
        }
        boolean gradientsCanWait =
                drafts.stream().flatMap(draft -> draft.costs().stream()).anyMatch(cost -> cost.weightMillis() > 0);
        return Schedules.planned().stream()
                .filter(schedule -> gradientsCanWait || !schedule.splitsBackward())
                .toList();
    }

    /** Partitions fit as far as the usual schedule goes. What split backward passes and groups keep besides is looked at here. */
    private boolean fits(PartitionPlan plan, Schedule schedule) {
        return (!schedule.splitsBackward() && plan.grouped() == 1) || hasRoom(plan);
    }

    private boolean hasRoom(PartitionPlan plan) {
        return !limitMemory
                || plan.stages().stream().allMatch(stage -> stage.devices().stream()
                        .allMatch(device -> stage.memoryBytes() <= device.memoryBytes()));
    }

    /** Several stages for each device, which are dealt out to the devices in turn; for devices that are alike. */
    private void addInterleaved(
            List<Candidate> plans, List<VertexCost> costs, int microBatches, int rounds, Duration oneDevice) {
        int stages = rounds * devices.size();
        if (devices.size() == 1
                || options.machines().isPresent()
                || microBatches == 1
                || stages > movable(costs).size()
                || options.together()
                || options.replicas().orElse(1) > 1
                || (options.replicas().isPresent() && options.stages().isEmpty()) // a straight pipeline is asked for
                || options.stages().orElse(stages) != stages) {
            return;
        }
        DevicePool pool = pool(places(stages));
        if (pool.groups().size() > 1) {
            return;
        }
        int[] inFlight = ScheduleSimulator.inFlight(
                options.usualSchedule(), Workers.inTurn(stages, devices.size()), microBatches);
        partitioner
                .solve(new PartitionRequest(
                        movable(costs),
                        pool.groups(),
                        links,
                        profile.machine().addMillisPerByte(),
                        microBatches,
                        new StageRules(
                                replicas -> replicas == 1,
                                (replicas, after) -> inFlight[Math.max(0, stages - 1 - after)],
                                mayRecompute())))
                .partition(List.of(stages))
                .map(partition -> predictor.predict(
                        drafts(partition, pool, costs), microBatches, options.usualSchedule(), oneDevice))
                .filter(plan -> fits(plan, options.usualSchedule()))
                .ifPresent(plan -> plans.add(new Candidate(plan)));
    }

    private DevicePool pool(List<Device> all) {
        return new DevicePool(
                limitMemory
                        ? all
                        : all.stream()
                                .map(device -> withMemory(device, Long.MAX_VALUE))
                                .toList());
    }

    /** Of many devices, all or a power of 2. */
    private boolean isTried(int workers) {
        return places.size() <= FEW_DEVICES
                || workers == places.size()
                || Integer.bitCount(workers) == 1
                || workers == options.stages().orElse(0) * options.replicas().orElse(1);
    }

    /** From replicas and the workers after them to the micro-batches in flight, looked up once for each pair. */
    private IntBinaryOperator inFlight(int microBatches) {
        if (options.usualSchedule().splitsBackward()) {
            return (replicas, after) -> Math.min(microBatches, places.size()); // the workers before count too
        }
        int[][] table = new int[places.size() + 1][places.size() + 1];
        return (replicas, after) -> {
            if (table[replicas][after] == 0) {
                Workers workers = new Workers(after == 0 ? List.of(replicas) : List.of(replicas, after));
                table[replicas][after] = ScheduleSimulator.inFlight(options.usualSchedule(), workers, microBatches)[0];
            }
            return table[replicas][after];
        };
    }

    private List<StageDraft> drafts(Partition partition, DevicePool pool, List<VertexCost> costs) {
        List<VertexCost> movable = movable(costs);
        Map<String, Integer> stageOf = new HashMap<>();
        for (int stage = 0; stage < partition.parts().size(); stage++) {
            for (int vertex : partition.parts().get(stage).vertices()) {
                VertexCost cost = movable.get(vertex);
                stageOf.put(cost.vertex(), stage);
            }
        }
        // Network inputs go where they are first read.
        for (VertexCost cost : movable) {
            int reader = stageOf.get(cost.vertex());
            cost.inputs().forEach(input -> stageOf.merge(input, reader, Math::min));
        }
        List<List<Device>> places = pool.assign(partition);
        List<StageDraft> drafts = new ArrayList<>();
        for (int stage = 0; stage < partition.parts().size(); stage++) {
            int wanted = stage;
            drafts.add(new StageDraft(
                    costs.stream()
                            .filter(cost -> stageOf.getOrDefault(cost.vertex(), 0) == wanted)
                            .toList(),
                    places.get(stage),
                    partition.parts().get(stage).crossingBytes(),
                    mustRecompute()));
        }
        return drafts;
    }

    private Duration oneDeviceTime() {
        double least = Double.POSITIVE_INFINITY;
        for (int microBatches : microBatchChoices()) {
            double millis = profile.costsFor((double) examples / microBatches).stream()
                    .map(cost -> cost.inStep(microBatches, profile.machine().addMillisPerByte()))
                    .mapToDouble(VertexCost::millis)
                    .sum();
            least = Math.min(least, millis * microBatches / devices.get(0).relativeSpeed());
        }
        return Predictor.duration(least);
    }
}
