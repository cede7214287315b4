package io.github.dl4jpipeline.internal.update;

import io.github.dl4jpipeline.exception.PipelineException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.api.memory.enums.SpillPolicy;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.GradientUpdater;

/**
 * A piece of the parameters, with gradients and updater state. It stays in a core's cache while one operation after
 * the other passes over it. Regularization and updater are Deeplearning4j's own code, or do the same in one pass.
 * Both work element by element, so pieces have the same result as the whole. What users have written is not cut.
 *
 * @param block the piece, as Deeplearning4j updates it
 * @param parameters its parameters
 * @param summed the gradients in it that are sums over the examples of a batch
 * @param fused does the same in one pass, for each of its parameter arrays; empty where there is no such pass
 * @param state its updater state, as it was before an update that is not committed
 */
record UpdatePiece(
        UpdaterBlock block, INDArray parameters, List<INDArray> summed, List<FusedUpdate> fused, StateBackup state) {
    static final int MOST_ELEMENTS = 1 << 17;

    private static final String WORKSPACE = "pipeline-update";
    private static final WorkspaceConfiguration TEMPORARY = WorkspaceConfiguration.builder()
            .initialSize(0)
            .policyLearning(LearningPolicy.FIRST_LOOP)
            .policySpill(SpillPolicy.REALLOCATE)
            .build();

    /**
     * Cuts the blocks of an updater into pieces.
     *
     * @param parameters all parameters, as one vector
     * @param gradients all gradients, as one vector
     * @param isSummed whether the gradients of a layer or vertex are still to be divided by the number of examples
     */
    static List<UpdatePiece> of(
            List<UpdaterBlock> blocks, INDArray parameters, INDArray gradients, Predicate<Trainable> isSummed) {
        List<UpdatePiece> pieces = new ArrayList<>();
        for (UpdaterBlock block : blocks) {
            int end = block.getParamOffsetEnd();
            int length =
                    UpdateCode.isElementWise(block) ? MOST_ELEMENTS : Math.max(1, end - block.getParamOffsetStart());
            for (int from = block.getParamOffsetStart(); from < end; from += length) {
                pieces.add(piece(block, from, Math.min(end, from + length), parameters, gradients, isSummed));
            }
        }
        return pieces;
    }

    private static UpdatePiece piece(
            UpdaterBlock block,
            int from,
            int to,
            INDArray parameters,
            INDArray gradients,
            Predicate<Trainable> isSummed) {
        List<ParamState> parts = new ArrayList<>();
        List<INDArray> summed = new ArrayList<>();
        for (ParamState whole : block.getLayersAndVariablesInBlock()) {
            int start = Math.max(from, whole.getParamOffsetStart());
            int end = Math.min(to, whole.getParamOffsetEnd());
            if (start < end) {
                INDArrayIndex interval = NDArrayIndex.interval(start, end);
                Trainable layer = whole.getLayer();
                String name = whole.getParamName();
                INDArray gradient = gradients.get(interval);
                parts.add(new ParamState(layer, name, start, end, parameters.get(interval), gradient));
                if (isSummed.test(layer) && layer.updaterDivideByMinibatch(name)) {
                    summed.add(gradient);
                }
            }
        }
        GradientUpdater<?> updater = updater(block, from, to);
        List<FusedUpdate> fused = new ArrayList<>();
        if (UpdateCode.isElementWise(block)) {
            for (ParamState part : parts) {
                boolean isSum = summed.stream().anyMatch(gradient -> gradient == part.getGradView());
                FusedUpdate update = FusedUpdate.of(part, updater, part.getParamOffsetStart() - from, isSum);
                if (update != null) {
                    fused.add(update);
                }
            }
        }
        INDArray gradient = gradients.get(NDArrayIndex.interval(from, to));
        UpdaterBlock piece =
                new UpdaterBlock(from, to, block.getUpdaterViewOffsetStart(), block.getUpdaterViewOffsetEnd(), parts);
        piece.setGradientView(gradient);
        piece.setGradientUpdater(updater);
        return new UpdatePiece(
                piece,
                parameters.get(NDArrayIndex.interval(from, to)),
                summed.size() == parts.size() ? List.of(gradient) : summed,
                fused.size() == parts.size() ? fused : List.of(),
                new StateBackup(state(block, updater)));
    }

    /** What the updater of a piece changes: its part of the state, or all state of an updater that is not cut. */
    private static List<INDArray> state(UpdaterBlock block, GradientUpdater<?> ofPiece) {
        if (UpdateCode.isElementWise(block)) {
            return List.copyOf(ofPiece.getState().values());
        }
        return block.getUpdaterView() == null ? List.of() : List.of(block.getUpdaterView());
    }

    /**
     * The block's updater, for a part of its state. Where the state does not have the order of the gradients, {@code 'c'}, as
     * Deeplearning4j's own often has not, ND4J's operations take several times as long.
     */
    private static GradientUpdater<?> updater(UpdaterBlock block, int from, int to) {
        GradientUpdater<?> whole = block.getGradientUpdater();
        Map<String, INDArray> state = whole.getState();
        if (state.isEmpty() || !UpdateCode.isElementWise(block)) {
            return whole;
        }
        int first = block.getParamOffsetStart();
        Map<String, INDArray> part = new HashMap<>();
        state.forEach((name, array) -> part.put(
                name,
                array.reshape(array.length())
                        .get(NDArrayIndex.interval(from - first, to - first))
                        .reshape('c', new long[] {to - from})));
        return whole.getConfig().instantiate(part, false);
    }

    /**
     * Begins to turn gradient sums into what is to be subtracted from the parameters, and does all of it that can fail. Until
     * {@link #state} is committed, it takes back what has changed.
     *
     * @param subtract whether the rest subtracts it, too
     * @return the rest
     */
    Runnable update(int iteration, int epoch, int examples, boolean subtract) {
        try {
            boolean skipped = block.skipDueToPretrainConfig(false);
            if (!skipped && !fused.isEmpty() && fused.stream().allMatch(FusedUpdate::canRun)) {
                List<Runnable> passes = fused.stream()
                        .map(part -> part.prepare(iteration, epoch, examples, subtract))
                        .toList();
                return () -> {
                    if (!subtract) {
                        state.keep(); // the update is committed later
                    }
                    passes.forEach(Runnable::run);
                };
            }
            updateByOperations(iteration, epoch, examples, skipped);
            return subtract ? () -> parameters.subi(block.getGradientView()) : () -> {};
        } catch (RuntimeException e) {
            throw new PipelineException(String.format("The updater of %s fails: %s", names(), e.getMessage()), e);
        }
    }

    private void updateByOperations(int iteration, int epoch, int examples, boolean skipped) {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().getAndActivateWorkspace(TEMPORARY, WORKSPACE)) {
            summed.forEach(gradient -> gradient.divi(examples));
            if (!skipped) {
                state.keep();
                block.update(iteration, epoch);
            }
        }
    }

    private List<String> names() {
        return block.getLayersAndVariablesInBlock().stream()
                .map(part -> part.getLayer().getConfig().getLayerName() + "_" + part.getParamName())
                .toList();
    }
}
