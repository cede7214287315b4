package io.github.dl4jpipeline.internal.stage;

import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.BaseRecurrentLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.impl.ActivationRReLU;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossL1;
import org.nd4j.linalg.lossfunctions.impl.LossL2;
import org.nd4j.linalg.lossfunctions.impl.LossMAE;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.lossfunctions.impl.LossNegativeLogLikelihood;

/**
 * Cuts off the last steps of sequences where the masks of labels leave them out for every example of a micro-batch. Training gives
 * the same without them in graphs whose layers see no later steps, without noise.
 */
@SuppressWarnings("deprecation") // saved models still have the layer with peepholes
public final class TrailingSteps {
    /** With fewer steps Deeplearning4j takes arrays for those of another kind. */
    private static final long FEWEST = 2;

    private static final Set<Class<?>> LAYERS =
            Set.of(LSTM.class, GravesLSTM.class, SimpleRnn.class, DenseLayer.class, RnnOutputLayer.class);
    private static final Set<Class<?>> PREPROCESSORS =
            Set.of(RnnToFeedForwardPreProcessor.class, FeedForwardToRnnPreProcessor.class);
    private static final Set<Class<?>> LOSSES = Set.of(
            LossMCXENT.class,
            LossNegativeLogLikelihood.class,
            LossBinaryXENT.class,
            LossMSE.class,
            LossMAE.class,
            LossL1.class,
            LossL2.class);

    /** Null if nothing may be cut off. */
    private final @Nullable RNNFormat format;

    private TrailingSteps(@Nullable RNNFormat format) {
        this.format = format;
    }

    public static TrailingSteps of(ComputationGraph graph) {
        ComputationGraphConfiguration conf = graph.getConfiguration();
        Collection<GraphVertex> vertices = conf.getVertices().values();
        Set<RNNFormat> formats = EnumSet.noneOf(RNNFormat.class);
        boolean possible = conf.getBackpropType() == BackpropType.Standard // else states are carried on
                && vertices.stream().allMatch(vertex -> seesNoLaterSteps(vertex, formats))
                && conf.getNetworkOutputs().stream().allMatch(name -> isOutputOfSteps(conf, name))
                && formats.size() == 1;
        return new TrailingSteps(possible ? formats.iterator().next() : null);
    }

    private static boolean isOutputOfSteps(ComputationGraphConfiguration conf, String name) {
        return conf.getVertices().get(name) instanceof LayerVertex vertex
                && vertex.getLayerConf().getLayer().getClass() == RnnOutputLayer.class;
    }

    private static boolean seesNoLaterSteps(GraphVertex vertex, Set<RNNFormat> formats) {
        if (vertex.getClass() == ElementWiseVertex.class) {
            return true;
        }
        if (!(vertex instanceof LayerVertex layerVertex)) {
            return false;
        }
        Layer layer = layerVertex.getLayerConf().getLayer();
        InputPreProcessor before = layerVertex.getPreProcessor();
        if (!LAYERS.contains(layer.getClass()) || (before != null && !PREPROCESSORS.contains(before.getClass()))) {
            return false;
        }
        if (before instanceof RnnToFeedForwardPreProcessor rows) {
            formats.add(rows.getRnnDataFormat());
        } else if (before instanceof FeedForwardToRnnPreProcessor rows) {
            formats.add(rows.getRnnDataFormat());
        }
        if (layer instanceof BaseRecurrentLayer recurrent) {
            formats.add(recurrent.getRnnDataFormat());
        } else if (layer instanceof RnnOutputLayer output) {
            formats.add(output.getRnnDataFormat());
            if (!LOSSES.contains(output.getLossFn().getClass())) {
                return false;
            }
        }
        BaseLayer weighted = (BaseLayer) layer;
        return layer.getIDropout() == null
                && weighted.getWeightNoise() == null
                && !(weighted.getActivationFn() instanceof ActivationRReLU);
    }

    /** Micro-batches without their trailing steps; those that need all of theirs as they are. */
    public List<MicroBatch> cut(List<MicroBatch> microBatches) {
        if (format == null) {
            return microBatches;
        }
        boolean whole = microBatches.size() == 1; // parts of a batch are copied where they are used
        return microBatches.stream()
                .map(all -> {
                    MicroBatch part = cut(all);
                    if (part == null) {
                        return all;
                    }
                    return whole ? part.copy() : part;
                })
                .toList();
    }

    /** The time steps of all examples together; 0 if none may be cut off. */
    public long timeSteps(List<MicroBatch> microBatches) {
        if (format == null) {
            return 0;
        }
        int ofSteps = ofSteps();
        return microBatches.stream()
                .mapToLong(batch -> batch.examples() * steps(batch, ofSteps))
                .sum();
    }

    private int ofSteps() {
        return format == RNNFormat.NWC ? 1 : 2;
    }

    /** Null if all steps are needed. */
    private @Nullable MicroBatch cut(MicroBatch all) {
        int ofSteps = ofSteps();
        long steps = steps(all, ofSteps);
        long needed = steps == 0 ? 0 : needed(all.labelMasks());
        boolean cuts = needed > 0
                && needed < steps
                && isFinite(all.features(), ofSteps, needed)
                && isFinite(all.labels(), ofSteps, needed);
        if (!cuts) {
            return null;
        }
        return new MicroBatch(
                first(all.features(), ofSteps, needed),
                first(all.labels(), ofSteps, needed),
                all.featureMasks() == null ? null : first(all.featureMasks(), 1, needed),
                first(all.labelMasks(), 1, needed),
                all.first(),
                all.examples(),
                all.states());
    }

    /** The number of steps in all arrays; 0 if it is not the same, or something is missing. */
    private static long steps(MicroBatch all, int ofSteps) {
        INDArray first = all.features()[0];
        if (first == null || first.rank() != 3 || all.labelMasks() == null || all.labels().length == 0) {
            return 0;
        }
        long steps = first.size(ofSteps);
        boolean same = areSequences(all.features(), ofSteps, steps)
                && areSequences(all.labels(), ofSteps, steps)
                && areMasks(all.labelMasks(), steps)
                && Arrays.stream(all.labelMasks()).allMatch(Objects::nonNull)
                && (all.featureMasks() == null || areMasks(all.featureMasks(), steps));
        return same ? steps : 0;
    }

    private static boolean areSequences(@Nullable INDArray[] arrays, int ofSteps, long steps) {
        return Arrays.stream(arrays)
                .allMatch(array -> array != null && array.rank() == 3 && array.size(ofSteps) == steps);
    }

    private static boolean areMasks(@Nullable INDArray[] masks, long steps) {
        return Arrays.stream(masks).allMatch(mask -> mask == null || (mask.rank() == 2 && mask.size(1) == steps));
    }

    /** The steps up to the last that some mask does not leave out. */
    private static long needed(@Nullable INDArray[] masks) {
        long needed = FEWEST;
        for (INDArray mask : masks) {
            double[] ofSteps = mask.neq(0).castTo(mask.dataType()).sum(0).toDoubleVector();
            int last = ofSteps.length;
            while (last > 0 && ofSteps[last - 1] == 0) {
                last--;
            }
            needed = Math.max(needed, last);
        }
        return needed;
    }

    /** Whether what is cut off is numbers: others would spread, masked or not. */
    private static boolean isFinite(@Nullable INDArray[] arrays, int ofSteps, long from) {
        return Arrays.stream(arrays)
                .allMatch(array -> Double.isFinite(part(array, ofSteps, from, array.size(ofSteps))
                        .sumNumber()
                        .doubleValue()));
    }

    private static @Nullable INDArray[] first(@Nullable INDArray[] arrays, int ofSteps, long steps) {
        return Arrays.stream(arrays)
                .map(array -> array == null ? null : part(array, ofSteps, 0, steps))
                .toArray(INDArray[]::new);
    }

    private static INDArray part(INDArray array, int ofSteps, long from, long to) {
        INDArrayIndex[] indices = new INDArrayIndex[array.rank()];
        Arrays.fill(indices, NDArrayIndex.all());
        indices[ofSteps] = NDArrayIndex.interval(from, to);
        return array.get(indices);
    }
}
