package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What a profile depends on, as the name of a file: the structure of the graph and its shapes, the batch, the devices and the
 * processor, versions, and settings that change code. It does not depend on parameters, seeds and rates of learning.
 */
public final class ProfileKey {
    /** Changes when what is measured does. */
    private static final String FORMAT = "3";

    private static final Path PROCESSOR = Path.of("/proc/cpuinfo");
    private static final int LETTERS = 40;

    private ProfileKey() {}

    /**
     * The name.
     *
     * @param effort a brief profile has another than a thorough one
     */
    public static String of(
            ComputationGraph graph,
            MicroBatch sample,
            Devices devices,
            Kernels kernels,
            boolean splittable,
            Effort effort) {
        List<Object> parts = new ArrayList<>(List.of(FORMAT, effort.brief(), kernels, splittable));
        parts.add(ConfigurationText.of(graph.getConfiguration()));
        VertexGraph.of(graph).vertices().forEach(vertex -> parts.add(vertex.name() + vertex.runsBackward()));
        parts.add(graph.getConfiguration().getDataType());
        addShapes(parts, sample.features());
        addShapes(parts, sample.labels());
        addShapes(parts, sample.featureMasks());
        addShapes(parts, sample.labelMasks());
        for (Device device : devices.list()) {
            parts.add(device.id() + device.kind() + device.cores() + device.threads());
        }
        parts.add(processor());
        parts.add(System.getProperty("java.vm.name") + System.getProperty("java.runtime.version"));
        parts.add(String.valueOf(ProfileKey.class.getPackage().getImplementationVersion()));
        parts.add(Nd4j.getBackend().getClass().getName()
                + Nd4j.getBackend().getClass().getPackage().getImplementationVersion());
        new TreeMap<>(System.getProperties()).forEach((name, value) -> {
            if (name.toString().startsWith("dl4jpipeline.") && !name.equals(ProfileCache.PROPERTY)) {
                parts.add(name + "=" + value);
            }
        });
        new TreeMap<>(System.getenv()).forEach((name, value) -> {
            if (name.startsWith("OMP_") || name.startsWith("DNNL_") || name.startsWith("ONEDNN_")) {
                parts.add(name + "=" + value);
            }
        });
        return digest(String.join("\n", parts.stream().map(String::valueOf).toList()));
    }

    private static void addShapes(List<Object> parts, @Nullable INDArray @Nullable [] arrays) {
        parts.add("arrays");
        if (arrays != null) {
            for (INDArray array : arrays) {
                parts.add(array == null ? "none" : array.dataType() + Arrays.toString(array.shape()));
            }
        }
    }

    /** The first processor's model and abilities, as far as the system says. */
    private static String processor() {
        String usual = System.getProperty("os.name")
                + System.getProperty("os.arch")
                + Runtime.getRuntime().availableProcessors();
        try {
            return usual
                    + Files.readAllLines(PROCESSOR, StandardCharsets.ISO_8859_1).stream()
                            .takeWhile(line -> !line.isBlank())
                            .filter(line -> line.startsWith("model name") || line.startsWith("flags"))
                            .toList();
        } catch (IOException notThere) {
            return usual;
        }
    }

    private static String digest(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash).substring(0, LETTERS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
    }
}
