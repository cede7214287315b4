package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.graph.KernelCode;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexCode;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.device.DeviceRuntimes;
import io.github.dl4jpipeline.internal.engine.EngineLayers;
import io.github.dl4jpipeline.internal.layers.FastLayers;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds, by one thread, the vertices for which other code is faster than the usual. Shortest times are compared, which
 * differ less from run to run than others. Code that fails is left out, with a warning.
 */
public final class FasterCode {
    /** Products of matrices move more memory, which several threads share, so they have to be clearly faster. */
    private static final double CLEARLY = 0.9;

    private static final double FASTER = 0.95;

    private static final Logger log = LoggerFactory.getLogger(FasterCode.class);

    private final Map<KernelCode, VertexTimer> times = new EnumMap<>(KernelCode.class);

    /** Names of the vertices that each code can run. */
    private final Map<KernelCode, Set<String>> candidates = new EnumMap<>(KernelCode.class);

    private final Set<String> twoCodes;

    /** What most vertices run, and those whose usual code fails run instead. */
    private final KernelChoice usual;

    private FasterCode(ComputationGraph graph, MicroBatch sample, Device device, Kernels kernels) {
        twoCodes = FastLayers.verticesOfTwoCodes(graph);
        try (ProfileRounds rounds = new ProfileRounds(graph)) {
            CopySlot slot = rounds.slot();
            KernelChoice all = KernelChoice.all(kernels);
            WorkingCode.Done<WarmCopy> tried = new WorkingCode(graph, all)
                    .run(all, choice -> rounds.tried(rounds.copy(sample, choice, slot), device));
            usual = tried.choice();
            Set<String> engine = EngineLayers.vertices(graph, usual);
            times.put(KernelCode.USUAL, rounds.way(tried.result(), device));
            for (KernelCode code : List.of(KernelCode.PLAIN, KernelCode.WINOGRAD)) {
                Set<String> names = new HashSet<>(FastLayers.vertices(graph, code, kernels));
                names.removeAll(usual.other().keySet());
                names.removeAll(engine);
                if (code != KernelCode.WINOGRAD || DeviceRuntimes.usesHostArrays(device)) {
                    addWay(code, names, sample, rounds, slot, device);
                }
            }
            rounds.runForShortest();
        }
    }

    /** One more way to measure, without the vertices for which the code fails. */
    private void addWay(
            KernelCode code, Set<String> names, MicroBatch sample, ProfileRounds rounds, CopySlot slot, Device device) {
        while (!names.isEmpty()) {
            KernelChoice choice = usual;
            for (String name : names) {
                choice = choice.with(name, VertexCode.of(code));
            }
            try {
                times.put(code, rounds.way(rounds.tried(rounds.copy(sample, choice, slot), device), device));
                candidates.put(code, names);
                return;
            } catch (VertexFailure failure) {
                log.warn("{} code fails at vertex '{}' and is left out: {}", code, failure.vertex(), failure.reason());
                if (!names.remove(failure.vertex())) { // something else makes it fail
                    return;
                }
            }
        }
    }

    /** These kernels, fast or precise, except where other code that they allow has been measured to be faster. */
    public static KernelChoice of(ComputationGraph graph, MicroBatch sample, Device device, Kernels kernels) {
        FasterCode measured = new FasterCode(graph, sample, device, kernels);
        Set<String> joinable = FastLayers.joinableVertices(graph, kernels); // the plan may need their code
        KernelChoice choice = measured.usual;
        for (Vertex vertex : VertexGraph.of(graph).vertices()) {
            VertexCode code = measured.code(vertex);
            if (!code.equals(VertexCode.USUAL) && !joinable.contains(vertex.name())) {
                choice = choice.with(vertex.name(), code);
            }
        }
        return choice;
    }

    private VertexCode code(Vertex vertex) {
        if (usual.other().containsKey(vertex.name())) {
            return usual.code(vertex.name());
        }
        if (twoCodes.contains(vertex.name())) {
            return new VertexCode(forwardCode(vertex), backwardCode(vertex));
        }
        boolean plain = canRun(KernelCode.PLAIN, vertex)
                && millis(KernelCode.PLAIN, vertex) < CLEARLY * millis(KernelCode.USUAL, vertex);
        return plain ? VertexCode.of(KernelCode.PLAIN) : VertexCode.USUAL;
    }

    private KernelCode forwardCode(Vertex vertex) {
        double byUsual = forwardMillis(KernelCode.USUAL, vertex);
        double plain = canRun(KernelCode.PLAIN, vertex) ? forwardMillis(KernelCode.PLAIN, vertex) : byUsual;
        double winograd = canRun(KernelCode.WINOGRAD, vertex) ? forwardMillis(KernelCode.WINOGRAD, vertex) : byUsual;
        if (plain < CLEARLY * byUsual && plain < winograd) {
            return KernelCode.PLAIN;
        }
        return winograd < FASTER * byUsual ? KernelCode.WINOGRAD : KernelCode.USUAL;
    }

    private KernelCode backwardCode(Vertex vertex) {
        boolean plain = canRun(KernelCode.PLAIN, vertex)
                && backwardMillis(KernelCode.PLAIN, vertex) < CLEARLY * backwardMillis(KernelCode.USUAL, vertex);
        return plain ? KernelCode.PLAIN : KernelCode.USUAL;
    }

    private boolean canRun(KernelCode code, Vertex vertex) {
        return candidates.getOrDefault(code, Set.of()).contains(vertex.name());
    }

    private double millis(KernelCode code, Vertex vertex) {
        return forwardMillis(code, vertex) + backwardMillis(code, vertex);
    }

    private double forwardMillis(KernelCode code, Vertex vertex) {
        return times.get(code).shortestForwardMillis(vertex.position());
    }

    private double backwardMillis(KernelCode code, Vertex vertex) {
        return times.get(code).shortestBackwardMillis(vertex.position());
    }
}
