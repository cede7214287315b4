package io.github.dl4jpipeline.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.lang.ref.WeakReference;
import java.lang.reflect.Proxy;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BroadcastOp;
import org.nd4j.linalg.api.ops.impl.broadcast.BroadcastAddOp;
import org.nd4j.linalg.factory.Nd4j;

class ReachableArgumentsTest {
    /** Calls after which the JVM has compiled them: compiled code lets go of what it does not use any more. */
    private static final int CALLS_UNTIL_COMPILED = 20_000;

    /** As ND4J's executioner. */
    interface Executioner {
        /** Whether the memory of the operation's dimensions may still be used at the end. */
        boolean exec(BroadcastOp operation);
    }

    /** Takes a buffer of an operation, as ND4J does before it calls native code, and lets go of the operation. */
    private static final class LetsGo implements Executioner {
        private boolean collects;

        @Override
        public boolean exec(BroadcastOp operation) {
            return runNative(new WeakReference<>(operation.dimensions().data()));
        }

        /** ND4J frees a buffer after a collection that has cleared the references to it. */
        private boolean runNative(WeakReference<DataBuffer> buffer) {
            if (collects) {
                System.gc();
            }
            return buffer.get() != null;
        }
    }

    private static boolean keeps(UnaryOperator<Executioner> through) {
        LetsGo executioner = new LetsGo();
        Executioner called = through.apply(executioner);
        INDArray matrix = Nd4j.zeros(2, 6);
        INDArray row = Nd4j.ones(1, 6);
        for (int call = 0; call < CALLS_UNTIL_COMPILED; call++) {
            execNew(called, matrix, row);
        }
        executioner.collects = true;
        return execNew(called, matrix, row);
    }

    private static boolean execNew(Executioner executioner, INDArray matrix, INDArray row) {
        return executioner.exec(new BroadcastAddOp(matrix, row, matrix, 1));
    }

    @Test
    void argumentsAreReachableUntilTheCallReturns() {
        assertThat(keeps(executioner -> ReachableArguments.of(Executioner.class, executioner)))
                .isTrue();
        assumeThat(keeps(UnaryOperator.identity()))
                .as("without it, if this JVM lets go at all")
                .isFalse();
    }

    @Test
    void theExecutionerTheFactoryAndBlasAreCalledThroughIt() {
        ReachableArguments.install();
        assertThat(goesThrough(Nd4j.getExecutioner())).isTrue();
        assertThat(goesThrough(Nd4j.factory())).isTrue();
        assertThat(goesThrough(Nd4j.getBlasWrapper().level1())).isTrue();
        assertThat(goesThrough(Nd4j.getBlasWrapper().level2())).isTrue();
        assertThat(goesThrough(Nd4j.getBlasWrapper().level3())).isTrue();
        INDArray vector = Nd4j.createFromArray(1.0, 2.0, 3.0);
        assertThat(Nd4j.getBlasWrapper().dot(vector, vector)).isEqualTo(14);
        assertThat(Nd4j.create(2, 3)
                        .addiRowVector(vector.castTo(Nd4j.dataType()))
                        .getDouble(1, 2))
                .isEqualTo(3);
    }

    private static boolean goesThrough(Object object) {
        return Proxy.isProxyClass(object.getClass())
                && Proxy.getInvocationHandler(object) instanceof ReachableArguments;
    }

    @Test
    void itIsInstalledOnce() {
        ReachableArguments.install();
        Object executioner = Nd4j.getExecutioner();
        Object factory = Nd4j.factory();
        ReachableArguments.install();
        assertThat(Nd4j.getExecutioner()).isSameAs(executioner);
        assertThat(Nd4j.factory()).isSameAs(factory);
    }

    @Test
    void exceptionsAreThoseOfTheOperation() {
        IllegalStateException failure = new IllegalStateException("no shape");
        Executioner fails = ReachableArguments.of(Executioner.class, (Executioner) operation -> {
            throw failure;
        });
        assertThatThrownBy(() -> fails.exec(new BroadcastAddOp())).isSameAs(failure);
    }
}
