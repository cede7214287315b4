package io.github.dl4jpipeline.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.device.Device;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.BasicAffinityManager;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Which GPU the thread is on, and what is copied how, where arrays are in the host's memory in truth. */
class CudaDeviceRuntimeTest {
    /** Keeps account of one thread's moves; arrays are on gpu-0 unless they are put elsewhere. */
    private static final class FakeAffinity extends BasicAffinityManager {
        private final List<Integer> moves = new ArrayList<>();
        private final IdentityHashMap<INDArray, Integer> gpus = new IdentityHashMap<>();
        private int current;

        @Override
        public Integer getDeviceForCurrentThread() {
            return current;
        }

        @Override
        public Integer getDeviceForArray(INDArray array) {
            return gpus.getOrDefault(array, 0);
        }

        @Override
        public void unsafeSetDevice(Integer deviceId) {
            current = deviceId;
            moves.add(deviceId);
        }

        @Override
        public void touch(INDArray array) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void touch(DataBuffer buffer) {
            throw new UnsupportedOperationException();
        }

        INDArray on(int gpu, INDArray array) {
            gpus.put(array, gpu);
            return array;
        }
    }

    private final FakeAffinity affinity = new FakeAffinity();
    private final CudaDeviceRuntime runtime = new CudaDeviceRuntime(() -> affinity);

    private static Device gpu(int index) {
        return new Device("gpu-" + index, Device.Kind.GPU, List.of(), 1L << 30, 1);
    }

    private static INDArray numbers() {
        return Nd4j.arange(1, 25).castTo(DataType.FLOAT).reshape(2, 3, 4);
    }

    @Test
    void aThreadIsBoundToItsGpu() {
        runtime.bindCurrentThread(gpu(2));
        runtime.bindCurrentThreadToHost();
        assertThat(affinity.moves).containsExactly(2, 0);
    }

    @Test
    void workElsewhereComesBackEvenIfItFails() {
        assertThat(runtime.on(gpu(1), () -> affinity.current)).isEqualTo(1);
        assertThatThrownBy(() -> runtime.on(gpu(2), () -> {
                    throw new IllegalStateException("work");
                }))
                .hasMessage("work");
        assertThat(affinity.moves).containsExactly(1, 0, 2, 0);
    }

    @Test
    void workHereDoesNotMove() {
        assertThat(runtime.on(gpu(0), () -> affinity.current)).isZero();
        assertThat(affinity.moves).isEmpty();
    }

    @Test
    void workElsewhereAllocatesOutsideTheWorkspaceOfHere() {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().getAndActivateWorkspace("here")) {
            assertThat(runtime.on(gpu(1), () -> Nd4j.create(5)).isAttached()).isFalse();
            assertThat(Nd4j.create(5).isAttached()).isTrue();
        } finally {
            Nd4j.getWorkspaceManager().destroyAllWorkspacesForCurrentThread();
        }
    }

    @Test
    void wholeArraysAreCopiedWithoutMoving() {
        for (char order : new char[] {'c', 'f'}) {
            INDArray source = affinity.on(1, numbers().dup(order));
            INDArray copy = runtime.copyHere(source);
            assertThat(copy).isEqualTo(numbers());
            assertThat(copy.ordering()).isEqualTo(order);
            assertThat(copy.data().address()).isNotEqualTo(source.data().address());
        }
        assertThat(affinity.moves).isEmpty();
    }

    @Test
    void partsOfABufferAreCopiedWithoutMoving() {
        INDArray flat = numbers().reshape(24);
        for (int start : new int[] {0, 6}) {
            INDArray part = flat.get(NDArrayIndex.interval(start, start + 6));
            assertThat(runtime.copyHere(affinity.on(1, part))).isEqualTo(part);
        }
        assertThat(affinity.moves).isEmpty();
    }

    @Test
    void theHostIsTheFirstGpu() {
        runtime.bindCurrentThread(gpu(1));
        INDArray source = affinity.on(1, numbers());
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().getAndActivateWorkspace("here")) {
            INDArray copy = runtime.copyToHost(source);
            assertThat(copy).isEqualTo(source);
            assertThat(copy.isAttached()).isFalse();
        } finally {
            Nd4j.getWorkspaceManager().destroyAllWorkspacesForCurrentThread();
        }
        assertThat(affinity.moves).containsExactly(1, 0, 1);
    }

    @Test
    void otherArraysAreMadeContiguousWhereTheyAre() {
        INDArray source = affinity.on(1, numbers().permute(2, 0, 1));
        assertThat(runtime.copyHere(source)).isEqualTo(source);
        assertThat(affinity.moves).containsExactly(1, 0);
    }

    @Test
    void aCopyIsInTheWorkspaceOfItsThread() {
        INDArray source = affinity.on(1, numbers());
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().getAndActivateWorkspace("here")) {
            assertThat(runtime.copyHere(source).isAttached()).isTrue();
        } finally {
            Nd4j.getWorkspaceManager().destroyAllWorkspacesForCurrentThread();
        }
    }

    @Test
    void aCopyIntoAnArrayRunsWhereThatIs() {
        INDArray target = affinity.on(1, Nd4j.zeros(DataType.FLOAT, 2, 3, 4));
        runtime.copy(numbers(), target);
        assertThat(target).isEqualTo(numbers());
        assertThat(affinity.moves).containsExactly(1, 0);
    }

    @Test
    void aCopyOnOneGpuNeedsNoArrayBetween() {
        INDArray target = Nd4j.zeros(DataType.FLOAT, 2, 3, 4);
        runtime.copy(numbers(), target);
        assertThat(target).isEqualTo(numbers());
        assertThat(affinity.moves).isEmpty();
    }
}
