package io.github.dl4jpipeline.profile;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntimes;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.kernel.KernelChoice;
import io.github.dl4jpipeline.kernel.KernelCode;
import io.github.dl4jpipeline.kernel.Kernels;
import io.github.dl4jpipeline.kernel.MicroBatch;
import io.github.dl4jpipeline.kernel.VertexCode;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * Finds, by one thread, the vertices for which other code is faster than the usual. Shortest times are compared, which
 * differ less from run to run than others.
 */
final class FasterCode {
    /** Products of matrices move more memory, which several threads share, so they have to be clearly faster. */
    private static final double CLEARLY = 0.9;

    private static final double FASTER = 0.95;

    private final Map<KernelCode, VertexTimer> times = new EnumMap<>(KernelCode.class);

    /** Names of the vertices that each code can run. */
    private final Map<KernelCode, Set<String>> candidates = new EnumMap<>(KernelCode.class);

    private final Set<String> twoCodes;

    private FasterCode(ComputationGraph graph, MicroBatch sample, Device device, Kernels kernels) {
        twoCodes = KernelChoice.verticesOfTwoCodes(graph);
        KernelChoice usual = KernelChoice.all(kernels);
        try (ProfileRounds rounds = new ProfileRounds(graph)) {
            ReplicaSlot slot = rounds.slot();
            for (KernelCode code : KernelCode.values()) {
                Set<String> names = KernelChoice.vertices(graph, code, kernels);
                boolean runs =
                        code != KernelCode.WINOGRAD || DeviceRuntimes.of(device).sharesMemory();
                if (runs && !names.isEmpty()) {
                    candidates.put(code, names);
                    Map<String, VertexCode> choice = new HashMap<>();
                    names.forEach(name -> choice.put(name, VertexCode.of(code)));
                    times.put(code, rounds.way(rounds.replica(sample, usual.except(choice), slot), device));
                }
            }
            rounds.runForShortest();
        }
    }

    /** These kernels, fast or precise, except where other code that they allow has been measured to be faster. */
    static KernelChoice of(ComputationGraph graph, MicroBatch sample, Device device, Kernels kernels) {
        FasterCode measured = new FasterCode(graph, sample, device, kernels);
        Set<String> joinable = KernelChoice.joinableVertices(graph, kernels); // the plan may need their code
        Map<String, VertexCode> faster = new LinkedHashMap<>();
        for (Vertex vertex : VertexGraph.of(graph).vertices()) {
            VertexCode code = measured.code(vertex);
            if (!code.equals(VertexCode.USUAL) && !joinable.contains(vertex.name())) {
                faster.put(vertex.name(), code);
            }
        }
        return KernelChoice.all(kernels).except(faster);
    }

    private VertexCode code(Vertex vertex) {
        if (twoCodes.contains(vertex.name())) {
            return new VertexCode(forwardCode(vertex), backwardCode(vertex));
        }
        boolean plain = canRun(KernelCode.PLAIN, vertex)
                && millis(KernelCode.PLAIN, vertex) < CLEARLY * millis(KernelCode.USUAL, vertex);
        return plain ? VertexCode.of(KernelCode.PLAIN) : VertexCode.USUAL;
    }

    private KernelCode forwardCode(Vertex vertex) {
        double usual = forwardMillis(KernelCode.USUAL, vertex);
        double plain = forwardMillis(KernelCode.PLAIN, vertex);
        double winograd = canRun(KernelCode.WINOGRAD, vertex) ? forwardMillis(KernelCode.WINOGRAD, vertex) : usual;
        if (plain < CLEARLY * usual && plain < winograd) {
            return KernelCode.PLAIN;
        }
        return winograd < FASTER * usual ? KernelCode.WINOGRAD : KernelCode.USUAL;
    }

    private KernelCode backwardCode(Vertex vertex) {
        boolean plain = backwardMillis(KernelCode.PLAIN, vertex) < CLEARLY * backwardMillis(KernelCode.USUAL, vertex);
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
