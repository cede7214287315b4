package io.github.dl4jpipeline;

import io.github.dl4jpipeline.device.Transfers;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.device.WholeProcess;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.execute.BatchSource;
import io.github.dl4jpipeline.internal.execute.ParameterStore;
import io.github.dl4jpipeline.internal.execute.PipelineSolver;
import io.github.dl4jpipeline.internal.execute.StepResult;
import io.github.dl4jpipeline.internal.execute.WrappedGraph;
import io.github.dl4jpipeline.internal.execute.WrappedModel;
import io.github.dl4jpipeline.internal.execute.WrappedNetwork;
import io.github.dl4jpipeline.internal.graph.ChainGraph;
import io.github.dl4jpipeline.internal.graph.GraphSupport;
import io.github.dl4jpipeline.internal.graph.Segments;
import io.github.dl4jpipeline.internal.inference.Inference;
import io.github.dl4jpipeline.internal.memory.ParameterLayout;
import io.github.dl4jpipeline.internal.plan.StepMeasurement;
import io.github.dl4jpipeline.internal.stage.GraphCopier;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.RecurrentStates;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.report.PipelineReport;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.api.FwdPassType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.solvers.accumulation.GradientsAccumulator;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * A computation graph that trains in a pipeline, as a drop-in for the graph that it wraps.
 *
 * <pre>{@code
 * try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph).build()) {
 *     net.setListeners(new ScoreIterationListener(10));
 *     net.fit(iterator, 5);
 * }
 * }</pre>
 *
 * <p>The first {@code fit} profiles the graph on its first batch, cuts it into stages and starts worker threads.
 * There is one thread for each replica of a stage, or for the interleaved stages of a device. On CPUs a plan with one
 * worker needs none: it runs in the thread that calls {@code fit}. A batch is split into
 * micro-batches whose forward and backward passes overlap between the stages. What follows the gradient is
 * Deeplearning4j's own, or does the same: gradient normalisation, regularisation, the updater, constraints,
 * listeners, counts, early stopping.
 *
 * <p>Where several plans are predicted to be about as fast, the first steps run with each of them in turn, and the
 * fastest stays; {@link #report()} says so. Later a device may turn out slower or faster than the plan has it, say
 * because another process takes a core. Then a new plan takes over between two steps. A plan given to the builder
 * stays.
 *
 * <p>Parameters, updater state, and iteration and epoch counts are those of the wrapped graph. Between two calls of
 * {@code fit} it may be used and trained like any graph; the two must not train at the same time.
 *
 * <p>On devices with memory of their own, stages train copies of their parameters and updater state there. The
 * wrapped graph's are current when {@code fit} returns, and after {@link #close}. In between, as in listeners,
 * {@link #params}, {@link #getUpdater} and all that is built on them bring its arrays up to date, at most once for
 * each step. To change them yourself, use {@link #setParams}, {@link #setParam} or {@link #setUpdater} of this graph:
 * devices do not see what is written into arrays.
 *
 * <p>The result equals that of {@code graph.fit}, up to the order in which the gradients of examples are added, whatever
 * the stages, micro-batches and schedule. Noise such as dropout is drawn anew, as a function of seed, iteration, vertex
 * and example, and so does not depend on them either.
 *
 * <p>If a step fails, {@code fit} throws {@link io.github.dl4jpipeline.exception.PipelineException}. Parameters,
 * updater state and counts are then as before the step, and the next {@code fit} works. An exception from a
 * listener's {@code iterationDone} comes after the update: {@code fit} throws it when the step is counted and
 * constraints are applied. Plain {@code fit} leaves such a step uncounted, so that the next one repeats its
 * iteration.
 *
 * <p>Listeners are called as by plain {@code fit}, in the thread that called {@code fit}; but {@code onForwardPass} comes when the
 * backward pass is done as well.
 */
public class PipelineComputationGraph extends ComputationGraph implements AutoCloseable {
    private static final long serialVersionUID = 1;

    private final transient WrappedModel wrapped;
    private final transient boolean plainFit;
    private final transient boolean infersOnDevices;
    private final transient ParameterStore parameters;
    private final transient Inference inference;
    private final transient PlannedTraining training;
    private final transient Computing computing = new Computing();
    private final transient RecurrentStates states = new RecurrentStates();
    private final transient StepListener stepListener = new StepListener(this, this::stepCommitted);

    private transient @Nullable INDArray[] labels = new INDArray[0];

    PipelineComputationGraph(
            ComputationGraphConfiguration configuration,
            WrappedModel wrapped,
            @Nullable ComputationGraph frozenAlike,
            PipelineSettings settings,
            boolean plainFitIfUnsupported) {
        super(configuration);
        this.wrapped = wrapped;
        boolean hasParameters = wrapped.parameters().length() > 0;
        init(hasParameters ? wrapped.parameters() : null, false);
        if (frozenAlike != null) {
            GraphCopier.freezeAlike(frozenAlike, this);
        }
        plainFit = plainFitIfUnsupported && !GraphSupport.reasonsAgainst(this).isEmpty();
        if (!plainFit) {
            GraphSupport.require(this);
            SettingsCheck.require(settings, this);
            WholeProcess.prepare();
        }
        parameters = new ParameterStore(wrapped, this, () -> super.getUpdater(true));
        if (!plainFit) {
            settings.memory().check().accept(this);
            ComputationGraphUpdater updater = super.getUpdater(true);
            solver = new PipelineSolver(this, parameters);
            super.setUpdater(updater);
        }
        infersOnDevices = !plainFit && settings.memory().servesInference();
        inference = new Inference(
                this,
                settings.devices(),
                settings.result().kernels(),
                settings.result().exampleIndependent());
        training = new PlannedTraining(this, settings, parameters, inference);
        if (!plainFit) {
            training.planWithoutBatch();
        }
        setListeners(new ArrayList<>(wrapped.listeners()));
    }

    /** Wraps a graph, which is initialised if it has not been. */
    public static PipelineBuilder builder(ComputationGraph graph) {
        if (graph == null) {
            throw new IllegalArgumentException("The graph to wrap is null");
        }
        if (graph instanceof PipelineComputationGraph) {
            throw new IllegalArgumentException("The graph is a pipeline already; wrap the graph that it wraps");
        }
        graph.init();
        FirstStepCode.beginToLoad();
        return new PipelineBuilder(graph.getConfiguration(), new WrappedGraph(graph), graph);
    }

    /** Wraps a multi-layer network, which is initialised if it has not been. */
    public static PipelineBuilder builder(MultiLayerNetwork network) {
        if (network == null) {
            throw new IllegalArgumentException("The network to wrap is null");
        }
        network.init();
        FirstStepCode.beginToLoad();
        return new PipelineBuilder(ChainGraph.of(network), new WrappedNetwork(network), null);
    }

    /**
     * How this graph is trained.
     *
     * @throws IllegalStateException before the first {@code fit}, unless a profile or a plan has been given
     */
    public PartitionPlan plan() {
        return training.plan()
                .orElseThrow(() -> new IllegalStateException(
                        plainFit
                                ? "There is no plan: this graph cannot be pipelined and trains as plain fit does"
                                : "There is no plan yet: the first fit makes one, or give the builder a profile"));
    }

    /**
     * Keeps the present plan from now on. Without this, the first steps try a few plans, and later ones another if devices
     * turn out to be slower or faster; so what is trained depends, within rounding, on how long steps have taken. With a kept
     * plan it does not, and another pipeline that is built with this plan and {@link #profile} goes on bit for bit alike.
     *
     * @return the plan that training goes on with
     * @throws IllegalStateException as {@link #plan}
     */
    public PartitionPlan keepPlan() {
        return training.keepPlan().orElseGet(this::plan);
    }

    /**
     * The profile that the plan was made from, and that says which code vertices are run with; empty if there is none, as
     * for a plan given without one, or before the first {@code fit}.
     */
    public Optional<GraphProfile> profile() {
        return training.profile();
    }

    /** What has been measured since this pipeline was built or last got another plan, beside the prediction. */
    public PipelineReport report() {
        return training.report(plan());
    }

    /** Transfers between devices since the last plan; there are none between devices that share memory. */
    public Transfers transfers() {
        return training.transfers();
    }

    // ---- One training step ----

    /** Computes gradient and score of the current inputs and labels, in the pipeline. */
    @Override
    public void computeGradientAndScore() {
        requireOpen();
        if (plainFit) {
            super.computeGradientAndScore();
            return;
        }
        synchronizeIterEpochCounts();
        if (flattenedGradients == null) {
            initGradientsView();
        }
        MicroBatch batch = MicroBatch.whole(getInputs(), labels, getInputMaskArrays(), getLabelMaskArrays())
                .with(Segments.isIn(this) ? states : null);
        boolean keepActivations = stepListener.wantsActivations();
        StepResult result = computing.inside(() -> training.step(batch, keepActivations));
        gradient = result.gradient();
        score = result.score();
        stepListener.gradientComputed(result.activations());
    }

    private void stepCommitted(int iteration, int epoch, long updatedNanos) {
        if (!plainFit) {
            training.committed(iteration, epoch, score, updatedNanos);
        }
    }

    /** Sequences begin or have ended: what recurrent layers carry is forgotten, in training and for {@link #rnnTimeStep}. */
    @Override
    public void rnnClearPreviousState() {
        super.rnnClearPreviousState();
        states.clear();
    }

    @Override
    protected void doTruncatedBPTT(
            INDArray[] inputs,
            INDArray[] labels,
            INDArray[] featureMasks,
            INDArray[] labelMasks,
            LayerWorkspaceMgr workspaces) {
        if (!(wrapped instanceof WrappedNetwork) || Segments.suitNetwork(inputs[0], labels[0])) {
            super.doTruncatedBPTT(inputs, labels, featureMasks, labelMasks, workspaces);
        }
    }

    /** After each segment of truncated back-propagation through time. */
    @Override
    protected void rnnUpdateStateWithTBPTTState() {
        if (plainFit) {
            super.rnnUpdateStateWithTBPTTState();
        } else {
            states.advance();
        }
    }

    private void inside(Runnable layers) {
        computing.inside(() -> {
            layers.run();
            return this;
        });
    }

    /** Lets a test say what steps have taken, instead of the clock. */
    void replaceMeasurements(UnaryOperator<StepMeasurement> replacement) {
        training.replaceMeasurements(replacement);
    }

    /** The backward pass of plain {@code fit}. Listeners are called before and after it, and may close this pipeline. */
    @Override
    protected void calcBackpropGradients(boolean clearLayers, boolean truncatedBPTT, INDArray... externalEpsilons) {
        requireOpen();
        inside(() -> super.calcBackpropGradients(clearLayers, truncatedBPTT, externalEpsilons));
    }

    @Override
    public void initGradientsView() {
        // The wrapped model's array serves both: they do not train at the same time.
        flattenedGradients = wrapped.gradients();
        VertexGraph vertices = VertexGraph.of(this);
        List<@Nullable INDArray> slices = ParameterLayout.of(vertices).slices(flattenedGradients);
        for (int position = 0; position < slices.size(); position++) {
            if (slices.get(position) != null) {
                getVertex(vertices.get(position).name()).setBackpropGradientsViewArray(slices.get(position));
            }
        }
    }

    // ---- fit ----

    @Override
    public void fit(INDArray[] inputs, INDArray[] labels, INDArray[] featureMaskArrays, INDArray[] labelMaskArrays) {
        requireOpen();
        computing.requireOutside("fit");
        BatchCheck.require(this, inputs, labels);
        fitting(() -> {
            boolean done = false;
            try {
                super.fit(inputs, labels, featureMaskArrays, labelMaskArrays);
                done = true;
            } finally {
                if (!done) {
                    clearLayerMaskArrays();
                    clearLayersStates();
                }
            }
            stepListener.rethrow();
        });
    }

    @Override
    public void fit(DataSetIterator iterator) {
        fit(new DataSetBatches(Given.notNull("iterator", iterator)), iterator.getClass());
    }

    @Override
    @SuppressWarnings("UnsynchronizedOverridesSynchronized") // what it calls is synchronized
    public void fit(MultiDataSetIterator iterator) {
        fit(iterator, Given.notNull("iterator", iterator).getClass());
    }

    private void fit(MultiDataSetIterator iterator, Class<?> named) {
        computing.requireOutside("fit"); // before it waits for the monitor
        fitInTurn(iterator, named.getName());
    }

    private synchronized void fitInTurn(MultiDataSetIterator iterator, String name) {
        requireOpen();
        try (BatchSource batches = new BatchSource(
                iterator, name, batch -> BatchCheck.require(this, batch.getFeatures(), batch.getLabels()))) {
            fitting(() -> fitEpoch(batches));
        }
    }

    /** Leaves the wrapped graph as what was learned, also after a failure. */
    private void fitting(Runnable steps) {
        parameters.beginFit();
        try {
            computing.around(steps);
        } catch (Throwable failure) {
            if (parameters.endFitAfter(failure)) {
                training.failed(failure);
            }
            throw failure;
        }
        parameters.endFit();
    }

    private void fitEpoch(BatchSource batches) {
        getListeners().forEach(listener -> listener.onEpochStart(this));
        long waiting = System.currentTimeMillis();
        while (batches.hasNext()) {
            MultiDataSet batch = batches.next();
            setLastEtlTime(System.currentTimeMillis() - waiting);
            try {
                fit(batch.getFeatures(), batch.getLabels(), batch.getFeaturesMaskArrays(), batch.getLabelsMaskArrays());
            } catch (PipelineException e) {
                throw batches.withBatch(e);
            }
            waiting = System.currentTimeMillis();
        }
        getListeners().forEach(listener -> listener.onEpochEnd(this));
        incrementEpochCount();
    }

    @Override
    public void setLabel(int labelNum, INDArray label) {
        super.setLabel(labelNum, label);
        if (labels.length != getNumOutputArrays()) {
            labels = new INDArray[getNumOutputArrays()];
        }
        labels[labelNum] = label;
    }

    @Override
    public void setLabels(INDArray... labels) {
        super.setLabels(labels);
        this.labels = labels == null ? new INDArray[0] : labels;
    }

    // ---- Parameters and updater state, wherever the stages have them ----

    @Override
    public INDArray params() {
        bringHome();
        return super.params();
    }

    @Override
    public Map<String, INDArray> paramTable(boolean backpropParamsOnly) {
        bringHome();
        return super.paramTable(backpropParamsOnly);
    }

    @Override
    public INDArray getParam(String name) {
        bringHome();
        return super.getParam(name);
    }

    @Override
    public ComputationGraphUpdater getUpdater(boolean initializeIfAbsent) {
        bringHome();
        return super.getUpdater(initializeIfAbsent);
    }

    @Override
    public double calcRegularizationScore(boolean backpropParamsOnly) {
        bringHome();
        return super.calcRegularizationScore(backpropParamsOnly);
    }

    @Override
    public Gradient gradient() {
        parameters.current().gatherGradients();
        return super.gradient();
    }

    @Override
    public void setParams(INDArray values) {
        changeAtHome(() -> super.setParams(values));
    }

    @Override
    public void setParam(String name, INDArray value) {
        changeAtHome(() -> super.setParam(name, value));
    }

    @Override
    public void setParamTable(Map<String, INDArray> values) {
        changeAtHome(() -> super.setParamTable(values));
    }

    @Override
    public void setUpdater(ComputationGraphUpdater updater) {
        changeAtHome(() -> super.setUpdater(updater));
    }

    @Override
    public void applyConstraints(int iteration, int epoch) {
        parameters.current().applyConstraints(iteration, epoch, () -> super.applyConstraints(iteration, epoch));
    }

    /** Makes the host's arrays current. */
    private void bringHome() {
        if (parameters != null) { // null in the superclass's constructor
            parameters.current().gather();
        }
    }

    private void changeAtHome(Runnable change) {
        bringHome();
        change.run();
        if (parameters != null) {
            parameters.current().hostChanged();
        }
    }

    // ---- Listeners, updater ----

    @Override
    public void setListeners(Collection<TrainingListener> listeners) {
        super.setListeners(listeners);
        solver.setListeners(List.of(stepListener));
    }

    @Override
    public void addListeners(TrainingListener... listeners) {
        List<TrainingListener> all = new ArrayList<>(getListeners());
        all.addAll(Given.list("listeners", Arrays.asList(listeners)));
        setListeners(all);
    }

    @Override
    public void setGradientsAccumulator(GradientsAccumulator accumulator) {
        throw new UnsupportedOperationException(
                "A pipeline does not take a gradients accumulator; data parallel training is for the wrapped graph");
    }

    // ---- Pretraining ----

    @Override
    public void pretrain(MultiDataSetIterator iterator, int epochs) {
        throw pretrainingUnsupported();
    }

    @Override
    public void pretrainLayer(String layer, MultiDataSetIterator iterator) {
        throw pretrainingUnsupported();
    }

    private static UnsupportedOperationException pretrainingUnsupported() {
        return new UnsupportedOperationException(
                "Layer-wise pretraining does not run in a pipeline; call it on the wrapped graph before");
    }

    // ---- Copies ----

    /**
     * A plain graph that equals this one and shares nothing with it but the listeners: parameters, updater state, frozen layers, and
     * iteration and epoch counts, so that it trains as this one would go on. Deeplearning4j's own {@code clone} sets the counts to
     * zero.
     */
    @Override
    @SuppressWarnings("MethodDoesntCallSuperMethod")
    public ComputationGraph clone() {
        return GraphCopier.independent(this);
    }

    /** Java serialization writes a plain graph. */
    private Object writeReplace() {
        return clone();
    }

    // ---- Closing ----

    /**
     * Ends the worker threads and frees their memory. The wrapped graph keeps what was learned. Closing twice has no
     * effect; afterwards this pipeline cannot be used any more.
     *
     * <p>Listeners and other threads may close the pipeline during {@code fit}, which then throws
     * {@link IllegalStateException}: at once with no effect of the step that runs, or after a step that has its gradient.
     *
     * @throws IllegalStateException if a layer calls it; it has no effect then
     */
    @Override
    public void close() {
        if (training.isClosed()) {
            return;
        }
        computing.requireOutside("close");
        try {
            training.close();
        } finally {
            inference.close();
            parameters.close();
            parameters.reconcile();
        }
    }

    private void requireOpen() {
        training.requireOpen();
    }

    @Override
    protected synchronized Map<String, INDArray> ffToLayerActivationsInWS(
            boolean train,
            int layerIndex,
            int[] excluded,
            FwdPassType passType,
            boolean storeLastForTbptt,
            INDArray[] features,
            INDArray[] featureMasks,
            INDArray[] labelMasks,
            boolean clearInputs) {
        requireOpen();
        bringHome();
        return computing.inside(() -> super.ffToLayerActivationsInWS(
                train,
                layerIndex,
                excluded,
                passType,
                storeLastForTbptt,
                features,
                featureMasks,
                labelMasks,
                clearInputs));
    }

    @Override
    protected synchronized Map<String, INDArray> ffToLayerActivationsDetached(
            boolean train,
            FwdPassType passType,
            boolean storeLastForTbptt,
            int layerIndex,
            int[] excluded,
            INDArray[] features,
            INDArray[] featureMasks,
            INDArray[] labelMasks,
            boolean clearLayers) {
        requireOpen();
        bringHome();
        return computing.inside(() -> super.ffToLayerActivationsDetached(
                train,
                passType,
                storeLastForTbptt,
                layerIndex,
                excluded,
                features,
                featureMasks,
                labelMasks,
                clearLayers));
    }

    // ---- Inference ----

    /** The part of {@code output} and {@code evaluate} that computes. */
    @Override
    protected INDArray[] outputOfLayersDetached(
            boolean train,
            FwdPassType passType,
            int[] layerIndexes,
            INDArray[] features,
            INDArray[] featureMasks,
            INDArray[] labelMasks,
            boolean clearInputs,
            boolean detachedInputs,
            MemoryWorkspace outputWorkspace) {
        requireOpen();
        bringHome();
        if (infersOnDevices
                && !train
                && passType == FwdPassType.STANDARD
                && Arrays.equals(layerIndexes, getOutputLayerIndices())) {
            return computing.inside(() -> inference.outputs(
                    MicroBatch.whole(features, new INDArray[0], featureMasks, labelMasks), outputWorkspace));
        }
        return computing.inside(() -> super.outputOfLayersDetached(
                train,
                passType,
                layerIndexes,
                features,
                featureMasks,
                labelMasks,
                clearInputs,
                detachedInputs,
                outputWorkspace));
    }

    @Override
    public double score(MultiDataSet data, boolean training) {
        requireOpen();
        Given.notNull("data", data);
        bringHome();
        if (!infersOnDevices || training) {
            return computing.inside(() -> super.score(data, training));
        }
        return computing.inside(() -> inference.score(MicroBatch.whole(
                data.getFeatures(), data.getLabels(), data.getFeaturesMaskArrays(), data.getLabelsMaskArrays())));
    }
}
