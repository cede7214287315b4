package io.github.dl4jpipeline.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.jna.Function;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.internal.device.WholeProcess.Effect;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntSupplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** Each case has a process of its own, since most of the effects last. */
class WholeProcessTest {

    /** Prints the effects that there are, after {@link WholeProcess#prepare} and within a limit of one thread. */
    public static final class Child {
        public static void main(String[] arguments) {
            PrintStream out = System.out;
            System.setOut(new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8));
            Nd4j.factory().blas().setMaxThreads(2);
            Function ofOpenBlas = BlasThreads.find("openblas_get_num_threads");
            IntSupplier blasThreads = ofOpenBlas == null
                    ? () -> Nd4j.factory().blas().getMaxThreads()
                    : () -> ofOpenBlas.invokeInt(new Object[0]);
            if (arguments.length == 0) {
                WholeProcess.prepare();
            } else {
                plainFit();
            }
            List<Effect> found = new ArrayList<>();
            if (NativeHeap.keepsFreed()) {
                found.add(Effect.KEEP_FREED_MEMORY);
            }
            if (Proxy.isProxyClass(Nd4j.getExecutioner().getClass())) {
                found.add(Effect.REACHABLE_ARGUMENTS);
            }
            if (Nd4j.getShapeInfoProvider() instanceof ShapeCache) {
                found.add(Effect.SHAPE_CACHE);
            }
            try (WholeProcess.Limit ignored = WholeProcess.limitThreads(1)) {
                if (blasThreads.getAsInt() == 1) {
                    found.add(Effect.BLAS_THREADS);
                }
            }
            found.forEach(out::println);
            System.exit(0);
        }

        /** What only a pipeline needs stays as it was where there is none. */
        private static void plainFit() {
            ComputationGraph graph = TestGraphs.graph(TestGraphs.dense(
                    DataType.FLOAT, settings -> settings.optimizationAlgo(OptimizationAlgorithm.LBFGS)));
            try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                    .plainFitIfUnsupported()
                    .build()) {
                net.fit(TestData.classification(DataType.FLOAT, 1, 4, 3, 6));
            }
        }
    }

    private static Set<Effect> effects(Effect... switchedOff) throws IOException, InterruptedException {
        return effectsOf(List.of(), switchedOff);
    }

    @Test
    void plainFitChangesNothingThatLasts() throws Exception {
        assertThat(effectsOf(List.of("plain"))).containsExactly(Effect.BLAS_THREADS);
    }

    private static Set<Effect> effectsOf(List<String> arguments, Effect... switchedOff)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path")));
        for (Effect effect : switchedOff) {
            command.add("-D" + effect.property + "=FALSE");
        }
        command.add(Child.class.getName());
        command.addAll(arguments);
        Process child = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(child.waitFor()).isZero();
        Set<Effect> found = EnumSet.noneOf(Effect.class);
        output.lines().map(Effect::valueOf).forEach(found::add);
        return found;
    }

    private static Stream<List<Effect>> switches() {
        return Stream.of(
                List.of(),
                List.of(Effect.KEEP_FREED_MEMORY, Effect.SHAPE_CACHE),
                List.of(Effect.REACHABLE_ARGUMENTS, Effect.BLAS_THREADS));
    }

    @ParameterizedTest
    @MethodSource("switches")
    void aSwitchLeavesItsEffectAloneAndNoOther(List<Effect> switchedOff) throws Exception {
        Set<Effect> expected = EnumSet.allOf(Effect.class);
        switchedOff.forEach(expected::remove);
        assertThat(effects(switchedOff.toArray(Effect[]::new))).isEqualTo(expected);
    }

    @Test
    void namesOfSwitches() {
        assertThat(Arrays.stream(Effect.values()).map(effect -> effect.property))
                .containsExactly(
                        "dl4jpipeline.keepFreedMemory",
                        "dl4jpipeline.reachableArguments",
                        "dl4jpipeline.shapeCache",
                        "dl4jpipeline.blasThreads");
    }
}
