package io.github.dl4jpipeline.internal.file;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Writes a model as Deeplearning4j does, so that it can read it, with further entries, and with checksums of all entries,
 * which {@link ModelArchive} compares. The file is written once, from its beginning to its end.
 */
public final class ModelWriter implements AutoCloseable {
    private final ZipOutputStream zip;
    private final Map<String, String> checksums = new LinkedHashMap<>();

    /** Writes the content of an entry. */
    private interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    private ModelWriter(OutputStream out) {
        zip = new ZipOutputStream(out);
        zip.setLevel(Deflater.BEST_SPEED); // numbers hardly become smaller
    }

    /**
     * Writes a file.
     *
     * @param model a {@code ComputationGraph} or a {@code MultiLayerNetwork}
     * @param updaterState whether to write that of its updater, too
     * @param more further entries
     */
    public static void write(Path file, Model model, boolean updaterState, Map<String, byte[]> more)
            throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
                ModelWriter writer = new ModelWriter(out)) {
            writer.write(model, updaterState);
            for (Map.Entry<String, byte[]> entry : more.entrySet()) {
                writer.entry(entry.getKey(), content -> content.write(entry.getValue()));
            }
            byte[] checksums = new EntryChecksums(writer.checksums).json();
            writer.entry(EntryChecksums.ENTRY, content -> content.write(checksums));
        }
    }

    private void write(Model model, boolean updaterState) throws IOException {
        String json = model instanceof ComputationGraph graph
                ? graph.getConfiguration().toJson()
                : ((MultiLayerNetwork) model).getLayerWiseConfigurations().toJson();
        entry(ModelArchive.CONFIGURATION, out -> out.write(json.getBytes(StandardCharsets.UTF_8)));
        INDArray parameters = model.params();
        entry(ModelArchive.COEFFICIENTS, out -> array(parameters, out));
        if (isEmpty(parameters)) {
            entry(ModelArchive.NO_PARAMETERS, out -> {});
        }
        INDArray state = updaterState ? Blueprint.updaterState(model) : null;
        if (!isEmpty(state)) {
            entry(ModelArchive.UPDATER_STATE, out -> array(state, out));
        }
    }

    private static boolean isEmpty(@Nullable INDArray array) {
        return array == null || array.length() == 0;
    }

    private static void array(@Nullable INDArray array, OutputStream out) throws IOException {
        if (!isEmpty(array)) {
            DataOutputStream data = new DataOutputStream(new BufferedOutputStream(out, 1 << 16));
            Nd4j.write(array, data);
            data.flush();
        }
    }

    private void entry(String name, Content content) throws IOException {
        zip.putNextEntry(new ZipEntry(name));
        DigestOutputStream digested = new DigestOutputStream(zip, EntryChecksums.digest());
        content.writeTo(digested);
        zip.closeEntry();
        checksums.put(name, HexFormat.of().formatHex(digested.getMessageDigest().digest()));
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }
}
