package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.update.FusedUpdate;
import io.github.dl4jpipeline.internal.update.StateBackup;
import io.github.dl4jpipeline.internal.update.UpdateCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The updater of one stage, or of a part of it, on its device: what {@code BaseMultiLayerUpdater.update} does, for those parameters.
 *
 * <p>Deeplearning4j's updater joins neighbouring parameters with the same settings to blocks, and keeps the state of a block
 * together: for Adam all first moments, then all second moments. A block here is the stage's part of one of those, so its
 * state is in pieces of each of the whole block's arrays.
 *
 * <p>Blocks in which code may fail are updated before the step is committed, and a copy of their state is kept until then.
 * The others need none, which is memory on the device: nothing but arithmetic runs in them, as part of the commit. Where it can be,
 * that is one pass over memory.
 */
final class StageUpdater {
    /** Elements of the updater state of the whole graph, and where they are in that of the stage. */
    record Piece(INDArray inWhole, INDArray inOwn) {}

    private final ComputationGraphUpdater whole;
    private final DeviceStage stage;
    private final OwnPart part;
    private final List<Block> blocks = new ArrayList<>();
    private final List<Piece> pieces = new ArrayList<>();
    private final @Nullable INDArray state;

    /** What the commit of the step has to do. */
    private final List<Runnable> rest = new ArrayList<>();

    /**
     * The part of a block.
     *
     * @param parameters all that it updates
     * @param summed gradients that are divided by the number of examples before anything else
     * @param summedUnlessFused the same, where the fused update does not divide them
     * @param fused does the same in one pass; empty where there is no such pass
     * @param backup its state before an update that may fail
     */
    private record Block(
            UpdaterBlock block,
            INDArray parameters,
            List<INDArray> summed,
            List<INDArray> summedUnlessFused,
            List<FusedUpdate> fused,
            StateBackup backup) {

        boolean isFused() {
            return !fused.isEmpty()
                    && !block.skipDueToPretrainConfig(false)
                    && fused.stream().allMatch(FusedUpdate::canRun);
        }

        /** Does all that may fail. Returns the rest. */
        Runnable prepare(int iteration, int epoch, int examples) {
            if (isFused()) {
                List<Runnable> passes = fused.stream()
                        .map(update -> update.prepare(iteration, epoch, examples, true))
                        .toList();
                return () -> passes.forEach(Runnable::run);
            }
            boolean skipped = block.skipDueToPretrainConfig(false);
            boolean early = !skipped && UpdateCode.mayFail(block);
            if (early) {
                backup.keep();
                block.update(iteration, epoch);
            }
            return () -> {
                if (!skipped && !early) {
                    block.update(iteration, epoch);
                }
                parameters.subi(block.getGradientView());
            };
        }
    }

    /** The updater of a whole stage. */
    StageUpdater(ComputationGraphUpdater whole, DeviceStage stage) {
        this(whole, stage, new OwnPart(0, stage.layout().length()));
    }

    /**
     * Allocates the state where the current thread does; it has no content yet.
     *
     * @param whole the pipeline's updater
     * @param part what it updates; all of the stage unless {@link OwnPart#canCut}
     */
    StageUpdater(ComputationGraphUpdater whole, DeviceStage stage, OwnPart part) {
        this.whole = whole;
        this.stage = stage;
        this.part = part;
        long length = 0;
        for (UpdaterBlock block : whole.getUpdaterBlocks()) {
            length += arraysOfState(block) * lengthOf(statesOfPart(block));
        }
        state = length == 0 ? null : Nd4j.create(stage.parameters().dataType(), length);
        long from = 0;
        for (UpdaterBlock block : whole.getUpdaterBlocks()) {
            from += addBlock(block, from);
        }
    }

    /** Whether this is the stage's part of an updater. */
    @SuppressWarnings("ReferenceEquality") // updaters are equal if their states are
    boolean isOf(ComputationGraphUpdater updater) {
        return whole == updater;
    }

    private List<ParamState> statesOfPart(UpdaterBlock block) {
        return block.getLayersAndVariablesInBlock().stream()
                .filter(state -> state.getParamOffsetEnd() > state.getParamOffsetStart()
                        && stage.layout().ownIndex(state.getParamOffsetStart()) >= 0
                        && own(state).length() > 0)
                .toList();
    }

    /** Where the part's elements of a parameter array are in the stage's own array. */
    private OwnPart own(ParamState state) {
        long from = stage.layout().ownIndex(state.getParamOffsetStart());
        return part.and(new OwnPart(from, from + state.getParamOffsetEnd() - state.getParamOffsetStart()));
    }

    private long lengthOf(List<ParamState> states) {
        return states.stream().mapToLong(state -> own(state).length()).sum();
    }

    private static int arraysOfState(UpdaterBlock block) {
        int parameters = block.getParamOffsetEnd() - block.getParamOffsetStart();
        return parameters == 0 ? 0 : (block.getUpdaterViewOffsetEnd() - block.getUpdaterViewOffsetStart()) / parameters;
    }

    /** Adds the part of a block, and returns the length of its state. */
    private long addBlock(UpdaterBlock block, long stateFrom) {
        List<ParamState> states = statesOfPart(block);
        if (states.isEmpty()) {
            return 0;
        }
        List<ParamState> own = new ArrayList<>();
        for (ParamState state : states) {
            long from = own(state).from();
            long to = own(state).to();
            INDArray gradient = part(stage.sums(), from, to);
            own.add(new ParamState(
                    state.getLayer(),
                    state.getParamName(),
                    (int) from,
                    (int) to,
                    part(stage.parameters(), from, to),
                    gradient));
        }
        int from = own.get(0).getParamOffsetStart();
        int to = own.get(own.size() - 1).getParamOffsetEnd();
        long stateLength = (long) arraysOfState(block) * (to - from);
        UpdaterBlock part = new UpdaterBlock(from, to, (int) stateFrom, (int) (stateFrom + stateLength), own);
        part.setGradientView(part(stage.sums(), from, to));
        if (state != null && stateLength > 0) {
            part.setUpdaterView(part(state, stateFrom, stateFrom + stateLength));
            for (int i = 0; i < states.size(); i++) {
                addPieces(
                        block,
                        states.get(i),
                        (long) own.get(i).getParamOffsetStart() - from,
                        stateFrom,
                        (long) to - from);
            }
        }
        part.init();
        blocks.add(new Block(
                part,
                part(stage.parameters(), from, to),
                gradients(own, state -> isSummed(state) && isNormalized(state)),
                gradients(own, state -> isSummed(state) && !isNormalized(state)),
                FusedUpdate.of(part, state -> isSummed(state) && !isNormalized(state)),
                new StateBackup(part.getUpdaterView() == null ? List.of() : List.of(part.getUpdaterView()))));
        return stateLength;
    }

    private static List<INDArray> gradients(List<ParamState> states, Predicate<ParamState> which) {
        return states.stream().filter(which).map(ParamState::getGradView).toList();
    }

    private static boolean isSummed(ParamState state) {
        return state.getLayer().updaterDivideByMinibatch(state.getParamName());
    }

    private static boolean isNormalized(ParamState state) {
        GradientNormalization kind = state.getLayer().getConfig().getGradientNormalization();
        return kind != null && kind != GradientNormalization.None;
    }

    /** Adds the state of one parameter array, which is at {@code offset} of the stage's part of its block. */
    private void addPieces(UpdaterBlock block, ParamState parameter, long offset, long stateFrom, long partLength) {
        long length = own(parameter).length();
        long blockLength = (long) block.getParamOffsetEnd() - block.getParamOffsetStart();
        long left = own(parameter).from() - stage.layout().ownIndex(parameter.getParamOffsetStart());
        long offsetInBlock = (long) parameter.getParamOffsetStart() - block.getParamOffsetStart() + left;
        for (int array = 0; array < arraysOfState(block); array++) {
            long inBlock = array * blockLength + offsetInBlock;
            long own = stateFrom + array * partLength + offset;
            pieces.add(
                    new Piece(part(block.getUpdaterView(), inBlock, inBlock + length), part(state, own, own + length)));
        }
    }

    private static INDArray part(INDArray flat, long from, long to) {
        return flat.reshape(flat.length()).get(NDArrayIndex.interval(from, to));
    }

    /** The state, piece by piece. */
    List<Piece> pieces() {
        return pieces;
    }

    /** Does all that may fail. In a thread of the device. Until {@link #commit} it can be taken back. */
    void prepare(int iteration, int epoch, int examples, boolean miniBatch) {
        FusedUpdate.allocateScratch();
        int divisor = miniBatch ? examples : 1;
        for (Block block : blocks) {
            block.summed().forEach(gradient -> gradient.divi(divisor));
            if (!block.isFused()) {
                block.summedUnlessFused().forEach(gradient -> gradient.divi(divisor));
            }
        }
        normalize(iteration);
        rest.clear();
        blocks.forEach(block -> rest.add(block.prepare(iteration, epoch, divisor)));
    }

    /** Makes the other updates, and subtracts all from the parameters. In a thread of the device. */
    void commit() {
        blocks.forEach(block -> block.backup().commit());
        rest.forEach(Runnable::run);
    }

    /** Makes the updater state what it was before {@link #prepare}. In a thread of the device. */
    void takeBack() {
        blocks.forEach(block -> block.backup().takeBack());
    }

    private void normalize(int iteration) {
        GraphCopy graph = stage.graph();
        stage.gradients().bindSums(graph);
        for (Map.Entry<Integer, Gradient> entry : stage.gradients().sums().entrySet()) {
            Layer layer = graph.layer(entry.getKey());
            if (layer != null) {
                whole.preApply(layer, entry.getValue(), iteration);
            }
        }
    }

    void close() {
        blocks.forEach(block -> block.backup().close());
        if (state != null) {
            state.close();
        }
    }
}
