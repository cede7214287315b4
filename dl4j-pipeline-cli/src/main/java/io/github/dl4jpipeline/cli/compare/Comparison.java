package io.github.dl4jpipeline.cli.compare;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.compare.CompareFigures.NotMeasured;
import io.github.dl4jpipeline.cli.io.Failures;
import io.github.dl4jpipeline.cli.io.Progress;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.PipelineChoice;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import io.github.dl4jpipeline.device.Devices;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.deeplearning4j.nn.conf.CacheMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;

/**
 * Measures systems side by side: they take turns of a few steps, so that whatever else the machine does slows them all
 * alike. Each trains a copy of the same network on the same random batch. Some steps to warm up are not counted, nor those in
 * which a pipeline tries which plan is the fastest, nor the first step of a turn: it finds the caches full of the arrays of
 * the system before, and garbage of that system still to be collected. The order is another one each time.
 *
 * <p>A system with several settings takes as many turns, and the best counts: Deeplearning4j's {@code fit} with one thread
 * per operation and with one per core, and with its helpers in two cache modes; the pipeline's kernels on one core with
 * one and with two micro-batches.
 */
public final class Comparison {
    /** Names of what can be measured beside the pipeline in training. */
    public static final Set<String> SYSTEMS = new TreeSet<>(Set.of(
            PipelineFit.ONE_CORE, PipelineFit.ONE_STAGE, ParallelWrapperFit.NAME, HelperFit.NAME, StockFit.NAME));

    private static final int WARM_UP = 3;
    private static final int STEPS_OF_TURN = 2;

    private final int steps;
    private final Random orders;
    private final Map<MeasuredSystem, StepTimes> times = new LinkedHashMap<>();
    private final List<NotMeasured> notMeasured = new ArrayList<>();

    private Comparison(int steps, long seed) {
        this.steps = steps;
        orders = new Random(seed);
    }

    /**
     * Compares the systems on a model.
     *
     * @param choice how the pipeline is set up
     * @param batchSize examples of a batch
     * @param systems which of {@link #SYSTEMS} to measure beside the pipeline
     * @param steps number of measured steps of each system
     * @param inference whether to compare {@code output} instead of {@code fit}
     * @param err takes the progress
     */
    public static CompareFigures run(
            NamedModel model,
            PipelineChoice choice,
            int batchSize,
            Set<String> systems,
            int steps,
            boolean inference,
            long seed,
            PrintWriter err) {
        int cores = Runtime.getRuntime().availableProcessors();
        Comparison comparison = new Comparison(steps, seed);
        try {
            DataSet batch = RandomBatch.of(model.shape(), batchSize, seed);
            if (inference) {
                comparison.setUpInference(model, choice, batch, cores);
            } else {
                comparison.setUp(model, choice, systems, batch, cores);
            }
            comparison.takeTurns(err);
            return new CompareFigures(
                    model.name(),
                    model.parameters(),
                    batchSize,
                    steps,
                    WARM_UP,
                    cores,
                    Backend.classifier(),
                    SystemFigures.of(comparison.times),
                    comparison.notMeasured);
        } finally {
            comparison.times.keySet().forEach(MeasuredSystem::close);
        }
    }

    private void setUp(NamedModel model, PipelineChoice choice, Set<String> systems, DataSet batch, int cores) {
        ComputationGraph graph = model.graph();
        add(new PipelineFit(PipelineFit.PIPELINE, pipeline(model, graph, choice, batch), batch));
        if (systems.contains(PipelineFit.ONE_CORE)) {
            Devices one = Devices.of(Devices.cpu().get(0));
            add(oneStage(PipelineFit.ONE_CORE, graph, choice, one, 1, batch));
            add(oneStage(PipelineFit.ONE_CORE, graph, choice, one, 2, batch));
        }
        if (systems.contains(PipelineFit.ONE_STAGE)) {
            add(oneStage(PipelineFit.ONE_STAGE, graph, choice, Devices.cpu(1), 1, batch));
        }
        if (systems.contains(ParallelWrapperFit.NAME)) {
            try {
                add(new ParallelWrapperFit(graph.clone(), batch, cores));
            } catch (RuntimeException e) {
                notMeasured.add(new NotMeasured(ParallelWrapperFit.NAME, Failures.reason(e)));
            }
        }
        if (systems.contains(HelperFit.NAME)) {
            add(new HelperFit(graph.clone(), batch, cores, CacheMode.NONE));
            add(new HelperFit(graph.clone(), batch, cores, CacheMode.DEVICE));
        }
        if (systems.contains(StockFit.NAME)) {
            add(new StockFit(graph, batch, 1));
            if (cores > 1) {
                add(new StockFit(graph, batch, cores));
            }
        }
    }

    private void setUpInference(NamedModel model, PipelineChoice choice, DataSet batch, int cores) {
        ComputationGraph graph = model.graph();
        add(new PipelineOutput(pipeline(model, graph, choice, batch), batch));
        add(new StockOutput(graph, batch, 1));
        if (cores > 1) {
            add(new StockOutput(graph, batch, cores));
        }
    }

    private static PipelineComputationGraph pipeline(
            NamedModel model, ComputationGraph graph, PipelineChoice choice, DataSet batch) {
        return choice.build(new NamedModel(model.name(), graph.clone(), model.shape()), batch.numExamples());
    }

    private static PipelineFit oneStage(
            String name,
            ComputationGraph graph,
            PipelineChoice choice,
            Devices devices,
            int microBatches,
            DataSet batch) {
        PipelineComputationGraph net = PipelineComputationGraph.builder(graph.clone())
                .devices(devices)
                .kernels(choice.codeOfLayers())
                .stages(1)
                .microBatches(microBatches)
                .build();
        return new PipelineFit(name, net, batch);
    }

    private void add(MeasuredSystem system) {
        times.put(system, new StepTimes());
    }

    private void takeTurns(PrintWriter err) {
        try (Progress progress = new Progress(err, "compare", (long) (WARM_UP + steps) * times.size())) {
            for (int step = 0; step < WARM_UP; step++) {
                takeTurns(MeasuredSystem::warmUp, 1, progress);
            }
            for (int step = 0; step < steps; step += STEPS_OF_TURN) {
                int counted = Math.min(STEPS_OF_TURN, steps - step);
                takeTurns(system -> measure(system, counted), counted, progress);
            }
        }
    }

    private void takeTurns(Consumer<MeasuredSystem> turn, int progressOfTurn, Progress progress) {
        List<MeasuredSystem> order = new ArrayList<>(times.keySet());
        Collections.shuffle(order, orders);
        for (MeasuredSystem system : order) {
            try {
                turn.accept(system);
            } catch (RuntimeException e) {
                if (!(system instanceof ParallelWrapperFit || system instanceof HelperFit)) {
                    throw e;
                }
                times.remove(system);
                notMeasured.add(new NotMeasured(system.name(), Failures.reason(e)));
            }
            for (int i = 0; i < progressOfTurn; i++) {
                progress.step(" " + system.name());
            }
        }
    }

    private void measure(MeasuredSystem system, int counted) {
        system.step();
        for (int i = 0; i < counted; i++) {
            long start = System.nanoTime();
            system.step();
            times.get(system).add((System.nanoTime() - start) / 1e6);
        }
    }
}
