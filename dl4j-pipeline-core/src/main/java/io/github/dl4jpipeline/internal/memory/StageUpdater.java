package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.internal.stage.GraphCopy;
import io.github.dl4jpipeline.internal.update.StateBackup;
import io.github.dl4jpipeline.internal.update.UpdateCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
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
 * The others need none, which is memory on the device: nothing but ND4J's operations runs in them, as part of the commit.
 */
final class StageUpdater {
    /** Elements of the updater state of the whole graph, and where they are in that of the stage. */
    record Piece(INDArray inWhole, INDArray inOwn) {}

    private final ComputationGraphUpdater whole;
    private final DeviceStage stage;
    private final OwnPart part;
    private final List<UpdaterBlock> blocks = new ArrayList<>();
    private final List<INDArray> perExample = new ArrayList<>();
    private final List<Piece> pieces = new ArrayList<>();
    private final @Nullable INDArray state;
    private final List<StateBackup> backups = new ArrayList<>();
    private final List<UpdaterBlock> others = new ArrayList<>();

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
            if (state.getLayer().updaterDivideByMinibatch(state.getParamName())) {
                perExample.add(gradient);
            }
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
        blocks.add(part);
        backups.add(new StateBackup(part.getUpdaterView() == null ? List.of() : List.of(part.getUpdaterView())));
        return stateLength;
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
        if (miniBatch) {
            perExample.forEach(gradient -> gradient.divi(examples));
        }
        normalize(iteration);
        others.clear();
        for (int i = 0; i < blocks.size(); i++) {
            UpdaterBlock block = blocks.get(i);
            if (block.skipDueToPretrainConfig(false)) {
                continue;
            }
            if (UpdateCode.mayFail(block)) {
                backups.get(i).keep();
                block.update(iteration, epoch);
            } else {
                others.add(block);
            }
        }
    }

    /** Makes the other updates, and subtracts all from the parameters. In a thread of the device. */
    void commit(int iteration, int epoch) {
        backups.forEach(StateBackup::commit);
        others.forEach(block -> block.update(iteration, epoch));
        if (part.length() > 0) {
            part.of(stage.parameters()).subi(part.of(stage.sums()));
        }
    }

    /** Makes the updater state what it was before {@link #prepare}. In a thread of the device. */
    void takeBack() {
        backups.forEach(StateBackup::takeBack);
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
        backups.forEach(StateBackup::close);
        if (state != null) {
            state.close();
        }
    }
}
