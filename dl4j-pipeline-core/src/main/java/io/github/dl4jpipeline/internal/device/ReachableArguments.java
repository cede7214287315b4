package io.github.dl4jpipeline.internal.device;

import java.lang.ref.Reference;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.blas.Lapack;
import org.nd4j.linalg.api.blas.Level1;
import org.nd4j.linalg.api.blas.Level2;
import org.nd4j.linalg.api.blas.Level3;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner;
import org.nd4j.linalg.factory.NDArrayFactory;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what ND4J's operations are given reachable until they return.
 *
 * <p>A native operation gets addresses of its arrays' memory, not the arrays. Once ND4J 1.0.0-M2.1 is compiled, nothing refers
 * to an operation while its native code runs, nor to arrays that only the operation has. A garbage collection then frees
 * their memory, and the process dies. So {@link #install} puts this between ND4J and its executioner, its factory of arrays
 * and BLAS, which make all native calls that may take long. What these make themselves belongs to the operation, or
 * is used after the native call.
 */
public final class ReachableArguments implements InvocationHandler {
    private static final Logger log = LoggerFactory.getLogger(ReachableArguments.class);

    /** What the factory gives out and others call. */
    private static final Set<Class<?>> BLAS = Set.of(Level1.class, Level2.class, Level3.class, Lapack.class);

    private static boolean tried;

    public final Object target;

    private ReachableArguments(Object target) {
        this.target = target;
    }

    /** Has ND4J keep arguments reachable, from now on and in the whole process. */
    static synchronized void install() {
        if (tried) {
            return;
        }
        tried = true;
        try {
            install(Nd4j.getExecutioner(), Nd4j.factory());
        } catch (ReflectiveOperationException | RuntimeException e) {
            log.warn(
                    "ND4J may free arrays while native code uses them, which can end the process where garbage is collected"
                            + " often: {}",
                    e.toString());
        }
    }

    private static void install(OpExecutioner executioner, NDArrayFactory factory) throws ReflectiveOperationException {
        Field field = Nd4j.class.getDeclaredField("OP_EXECUTIONER_INSTANCE"); // which no method sets
        field.setAccessible(true);
        field.set(null, of(OpExecutioner.class, executioner));
        Nd4j.setFactory(of(NDArrayFactory.class, factory));
    }

    /** Passes calls on, and keeps their arguments reachable until they return. */
    static <T> T of(Class<T> type, Object target) {
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, new ReachableArguments(target)));
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] arguments)
            throws Throwable {
        try {
            Object result = method.invoke(target, arguments);
            return BLAS.contains(method.getReturnType()) ? of(method.getReturnType(), result) : result;
        } catch (InvocationTargetException e) {
            throw e.getCause();
        } finally {
            Reference.reachabilityFence(arguments);
        }
    }
}
