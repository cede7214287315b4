package io.github.dl4jpipeline.internal.stage;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Tells layers which workspace an array belongs in.
 *
 * <p>Layers copy their inputs into their own workspace when they come from another one. Here the activations of other
 * stages and the arrays of data iterators outlive the task, so only arrays in working memory are copied.
 */
public final class TaskWorkspaces extends LayerWorkspaceMgr {
    private final Set<String> shortLived;

    private TaskWorkspaces(Map<ArrayType, String> names, Set<String> shortLived) {
        super(new HashSet<>(), configurations(names), names);
        this.shortLived = shortLived;
        setHelperWorkspacePointers(new HashMap<>());
    }

    /** For the forward task of a stage. */
    public static LayerWorkspaceMgr forward(ActivationMemory activations, StageScratch scratch) {
        Map<ArrayType, String> names = new EnumMap<>(ArrayType.class);
        names.put(ArrayType.ACTIVATIONS, activations.name());
        names.put(ArrayType.INPUT, activations.name());
        names.put(ArrayType.FF_CACHE, activations.name());
        names.put(ArrayType.FF_WORKING_MEM, scratch.work.name());
        names.put(ArrayType.RNN_FF_LOOP_WORKING_MEM, scratch.timeStep.name());
        return new TaskWorkspaces(names, Set.of(scratch.work.name(), scratch.timeStep.name()));
    }

    /** For the backward task of a stage; what layers compute forward once more goes to working memory. */
    public static LayerWorkspaceMgr backward(ActivationMemory activations, StageScratch scratch) {
        Map<ArrayType, String> names = new EnumMap<>(ArrayType.class);
        names.put(ArrayType.INPUT, activations.name());
        names.put(ArrayType.ACTIVATION_GRAD, scratch.errors.name());
        names.put(ArrayType.ACTIVATIONS, scratch.work.name());
        names.put(ArrayType.FF_WORKING_MEM, scratch.work.name());
        names.put(ArrayType.BP_WORKING_MEM, scratch.work.name());
        names.put(ArrayType.RNN_FF_LOOP_WORKING_MEM, scratch.timeStep.name());
        names.put(ArrayType.RNN_BP_LOOP_WORKING_MEM, scratch.timeStep.name());
        return new TaskWorkspaces(names, Set.of(scratch.work.name(), scratch.timeStep.name()));
    }

    /** For graphs that ask for no workspaces. */
    public static LayerWorkspaceMgr none() {
        return LayerWorkspaceMgr.noWorkspaces(new HashMap<>());
    }

    @Override
    public INDArray leverageTo(ArrayType type, INDArray array) {
        return outlivesTask(array) ? array : super.leverageTo(type, array);
    }

    @Override
    public INDArray validateArrayLocation(
            ArrayType type, INDArray array, boolean migrateIfInvalid, boolean exceptionIfDetached) {
        return outlivesTask(array)
                ? array
                : super.validateArrayLocation(type, array, migrateIfInvalid, exceptionIfDetached);
    }

    private boolean outlivesTask(INDArray array) {
        return array == null
                || !array.isAttached()
                || !shortLived.contains(array.data().getParentWorkspace().getId());
    }

    private static Map<ArrayType, WorkspaceConfiguration> configurations(Map<ArrayType, String> names) {
        Map<ArrayType, WorkspaceConfiguration> configurations = new EnumMap<>(ArrayType.class);
        names.keySet().forEach(type -> configurations.put(type, ActivationMemory.CONFIGURATION));
        return configurations;
    }
}
