package io.github.dl4jpipeline.internal.file;

import io.github.dl4jpipeline.exception.ModelFileException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the zip file of a Deeplearning4j model, which may come from a stranger. Only known entries are opened; no Java
 * objects are read; no class is loaded that is not Deeplearning4j's, see {@link ClassNames}; no array is larger than the
 * configuration says; and whatever is wrong is an error that names file, entry and reason.
 *
 * <p>Other entries, such as {@code preprocessor.bin}, which holds a Java object, are left alone, with a warning.
 */
public final class ModelArchive implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ModelArchive.class);

    static final String CONFIGURATION = "configuration.json";
    static final String COEFFICIENTS = "coefficients.bin";
    static final String UPDATER_STATE = "updaterState.bin";
    static final String NO_PARAMETERS = "noParams.marker";
    private static final Set<String> OF_A_MODEL = Set.of(CONFIGURATION, COEFFICIENTS, UPDATER_STATE, NO_PARAMETERS);

    /** How names of entries begin that this library adds. */
    private static final String OURS = "dl4j-pipeline-";

    private static final int LARGEST_CONFIGURATION = 64 << 20;

    private final Path file;
    private final ZipFile zip;
    private final Map<String, ZipEntry> entries;
    private final Optional<EntryChecksums> checksums;

    /** Reads something of the file. */
    interface Reading<T> {
        T read() throws IOException;
    }

    private ModelArchive(Path file, ZipFile zip, Set<String> others) throws IOException {
        this.file = file;
        this.zip = zip;
        this.entries = entries(zip, Files.size(file));
        checksums = entries.containsKey(EntryChecksums.ENTRY)
                ? Optional.of(
                        EntryChecksums.parse(content(EntryChecksums.ENTRY, EntryChecksums.LARGEST, Optional.empty())))
                : Optional.empty();
        for (String name : checksums.map(EntryChecksums::names).orElse(Set.of())) {
            if (!entries.containsKey(name)) {
                throw new ModelFileException("it has lost its entry " + name);
            }
        }
        for (String name : entries.keySet()) {
            if (!OF_A_MODEL.contains(name) && !others.contains(name) && !name.startsWith(OURS)) {
                log.warn("{}: entry {} is not read, since it is no known part of a model", file, name);
            }
        }
    }

    /**
     * Opens a file.
     *
     * @param others names of entries that are expected besides those of a model
     * @throws UncheckedIOException if the file cannot be read
     * @throws ModelFileException if it is no such file
     */
    public static ModelArchive open(Path file, Set<String> others) {
        if (!Files.isRegularFile(file)) {
            String reason = Files.exists(file) ? "it is not a file" : "there is no such file";
            throw new UncheckedIOException(
                    "Cannot read " + file + ": " + reason, new NoSuchFileException(file.toString(), null, reason));
        }
        return reading(file.toString(), () -> {
            ZipFile zip = new ZipFile(file.toFile());
            try {
                return new ModelArchive(file, zip, others);
            } catch (Throwable e) {
                zip.close();
                throw e;
            }
        });
    }

    private static Map<String, ZipEntry> entries(ZipFile zip, long fileBytes) {
        Map<String, ZipEntry> entries = new LinkedHashMap<>();
        zip.stream().forEach(entry -> {
            String name = entry.getName();
            if (name.startsWith("/") || name.contains("..") || name.contains("\\") || name.contains(":")) {
                throw new ModelFileException("it has an entry with the name '" + name + "', which leads elsewhere");
            }
            if (entry.getCompressedSize() > fileBytes) {
                throw new ModelFileException("it has " + fileBytes + " bytes, but says that "
                        + entry.getCompressedSize() + " of them are its entry " + name);
            }
            if (entries.put(name, entry) != null) {
                throw new ModelFileException("it has two entries " + name);
            }
        });
        return entries;
    }

    /**
     * Makes sure that the contents of entries have checksums, which {@link ModelWriter} writes and reading checks. Without
     * them, a damaged name of an entry looks as if there were no such entry.
     *
     * @throws ModelFileException if they have not
     */
    public ModelArchive requireChecksums() {
        if (checksums.isEmpty()) {
            throw new ModelFileException("it has no entry " + EntryChecksums.ENTRY).in(file.toString());
        }
        return this;
    }

    /**
     * The content of an entry; empty if there is no such entry.
     *
     * @param mostBytes how long it may be
     * @throws ModelFileException if it is damaged, or longer
     */
    public Optional<byte[]> entry(String name, int mostBytes) {
        return entries.containsKey(name)
                ? Optional.of(inEntry(name, () -> content(name, mostBytes, checksum(name))))
                : Optional.empty();
    }

    /**
     * The same as text.
     *
     * @throws ModelFileException if it is damaged, longer, or missing
     */
    public String requireText(String name, int mostBytes) {
        return entry(name, mostBytes)
                .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
                .orElseThrow(() -> new ModelFileException("it has no entry " + name).in(file.toString()));
    }

    /**
     * Reads the model: a {@code ComputationGraph} or a {@code MultiLayerNetwork}.
     *
     * @param updaterState whether to read that of the updater, too, if the file has it
     * @throws ModelFileException if there is none, or it is damaged
     */
    public Model model(boolean updaterState) {
        String json = requireText(CONFIGURATION, LARGEST_CONFIGURATION);
        Blueprint blueprint = inEntry(CONFIGURATION, () -> Blueprint.of(json));
        INDArray parameters = blueprint.parameters() == 0 ? null : parameters(blueprint);
        Model model = inEntry(CONFIGURATION, () -> blueprint.build(parameters));
        if (updaterState && entries.containsKey(UPDATER_STATE)) {
            readUpdaterState(model);
        }
        return model;
    }

    /**
     * The same for a file that holds a graph.
     *
     * @throws ModelFileException also if it holds a {@code MultiLayerNetwork}
     */
    public ComputationGraph graph(boolean updaterState) {
        if (model(updaterState) instanceof ComputationGraph graph) {
            return graph;
        }
        throw new ModelFileException("it holds a MultiLayerNetwork, not a ComputationGraph").in(file.toString());
    }

    private INDArray parameters(Blueprint blueprint) {
        if (!entries.containsKey(COEFFICIENTS)) {
            throw new ModelFileException("it has no entry " + COEFFICIENTS).in(file.toString());
        }
        return inEntry(COEFFICIENTS, () -> {
            try (EntryStream in = stream(COEFFICIENTS, checksum(COEFFICIENTS))) {
                INDArray parameters = ArrayReader.read(buffered(in), shape -> {
                    if (shape.length() != blueprint.parameters()) {
                        throw new ModelFileException(
                                "it has " + shape.length() + " parameters, and " + blueprint.countedParameters());
                    }
                    in.requireSize(shape.length() * shape.type().width());
                    return Nd4j.createUninitialized(
                            shape.type(),
                            shape.sizes().stream().mapToLong(Long::longValue).toArray(),
                            'c');
                });
                in.verify();
                return parameters;
            }
        });
    }

    private void readUpdaterState(Model model) {
        INDArray state = inEntry(CONFIGURATION, () -> Blueprint.updaterState(model));
        inEntry(UPDATER_STATE, () -> {
            try (EntryStream in = stream(UPDATER_STATE, checksum(UPDATER_STATE))) {
                ArrayReader.read(buffered(in), shape -> {
                    long expected = state == null ? 0 : state.length();
                    if (state == null || shape.length() != expected || shape.type() != state.dataType()) {
                        throw new ModelFileException("it has " + shape.length() + " numbers of type " + shape.type()
                                + "; by the configuration there are " + expected
                                + (state == null ? "" : " of type " + state.dataType()));
                    }
                    in.requireSize(expected * shape.type().width());
                    return state;
                });
                in.verify();
                return model;
            }
        });
    }

    private static InputStream buffered(InputStream in) {
        return new BufferedInputStream(in, 1 << 16);
    }

    private byte[] content(String name, int mostBytes, Optional<String> checksum) throws IOException {
        try (EntryStream in = stream(name, checksum)) {
            byte[] bytes = in.readNBytes(mostBytes);
            if (in.read() >= 0) {
                throw new ModelFileException("it is longer than " + mostBytes + " bytes");
            }
            in.verify();
            return bytes;
        }
    }

    private EntryStream stream(String name, Optional<String> checksum) throws IOException {
        ZipEntry entry = entries.get(name);
        return new EntryStream(zip.getInputStream(entry), entry, checksum);
    }

    private Optional<String> checksum(String name) {
        return checksums.flatMap(known -> known.of(name));
    }

    private <T> T inEntry(String entry, Reading<T> reading) {
        return reading(file + ", entry " + entry, reading);
    }

    /**
     * Turns whatever goes wrong into an error that begins with a name: errors of the file's content into {@link
     * ModelFileException}, those of reading it into {@link UncheckedIOException}.
     */
    static <T> T reading(String name, Reading<T> reading) {
        try {
            return reading.read();
        } catch (ModelFileException e) {
            throw e.in(name);
        } catch (ZipException | EOFException e) {
            throw new ModelFileException("it is damaged: " + e.getMessage(), e).in(name);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + name + ": " + e.getMessage(), e);
        } catch (OutOfMemoryError e) {
            throw ModelFileException.outOfMemory(e).in(name);
        } catch (RuntimeException | LinkageError | StackOverflowError e) {
            Throwable memory = e;
            while (memory != null && !(memory instanceof OutOfMemoryError)) {
                memory = memory.getCause();
            }
            throw (memory == null
                            ? new ModelFileException("it holds no model of Deeplearning4j: " + e, e)
                            : ModelFileException.outOfMemory(memory))
                    .in(name);
        }
    }

    @Override
    public void close() {
        try {
            zip.close();
        } catch (IOException e) {
            log.debug("Cannot close {}", file, e); // it has only been read
        }
    }
}
