package io.github.dl4jpipeline.internal.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.dl4jpipeline.exception.ModelFileException;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class ModelArchiveTest {
    private static final int PARAMETERS = 3 * 4 + 4 + 4 * 2 + 2;

    @TempDir
    private Path directory;

    private Path file;

    @BeforeEach
    void name() {
        file = directory.resolve("model.zip");
    }

    // ---- What it reads ----

    @ParameterizedTest
    @EnumSource(names = {"FLOAT", "DOUBLE", "HALF"})
    void readsTheBitsThatWereWritten(DataType type) throws IOException {
        for (Model model : new Model[] {trained(type), trained(type).toComputationGraph()}) {
            model.params()
                    .putScalar(1, Float.NaN)
                    .putScalar(2, Float.NEGATIVE_INFINITY)
                    .putScalar(3, 1e-40);
            ModelWriter.write(file, model, true, Map.of());
            assertSame(read(), model);
            Model byDeeplearning4j = model instanceof ComputationGraph
                    ? ModelSerializer.restoreComputationGraph(file.toFile())
                    : ModelSerializer.restoreMultiLayerNetwork(file.toFile());
            assertSame(byDeeplearning4j, model);

            ModelSerializer.writeModel(model, file.toFile(), true);
            assertSame(read(), model);
        }
    }

    @Test
    void leavesTheUpdaterStateOut() throws IOException {
        MultiLayerNetwork network = trained(DataType.FLOAT);
        ModelWriter.write(file, network, true, Map.of());
        try (ModelArchive archive = ModelArchive.open(file, Set.of())) {
            MultiLayerNetwork without = (MultiLayerNetwork) archive.model(false);
            assertThat(without.params()).isEqualTo(network.params());
            assertThat(without.getUpdater().getStateViewArray().sumNumber().doubleValue())
                    .isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"INT", "LONG"})
    void readsOldHeaders(String shapeType) throws IOException {
        MultiLayerNetwork network = trained(DataType.FLOAT);
        byte[] array = array(out -> {
            out.writeUTF("JAVACPP");
            out.writeInt(8);
            out.writeUTF(shapeType);
            for (int number : new int[] {2, 1, PARAMETERS, PARAMETERS, 1, 0, 1, 'c'}) {
                if (shapeType.equals("INT")) {
                    out.writeInt(number);
                } else {
                    out.writeLong(number);
                }
            }
            out.writeUTF("DIRECT");
            out.writeInt(PARAMETERS);
            out.writeUTF("FLOAT");
            for (int i = 0; i < PARAMETERS; i++) {
                out.writeFloat(network.params().getFloat(i));
            }
        });
        write(with(entries(network), "coefficients.bin", array));
        assertThat(((MultiLayerNetwork) read()).params().reshape(PARAMETERS))
                .isEqualTo(network.params().reshape(PARAMETERS));
    }

    @Test
    void readsANetworkWithoutParameters() throws IOException {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .graphBuilder()
                .addInputs("in")
                .addLayer("out", new LossLayer.Builder(LossFunction.MSE).build(), "in")
                .setOutputs("out")
                .build());
        graph.init();
        ModelWriter.write(file, graph, true, Map.of());
        assertThat(((ComputationGraph) read()).getConfiguration()).isEqualTo(graph.getConfiguration());
    }

    // ---- What it leaves alone ----

    /** Says when it is read. */
    private static final class Loud implements Serializable {
        private static final long serialVersionUID = 1;
        private static boolean read;

        private void readObject(ObjectInputStream in) {
            read = true;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"preprocessor.bin", "normalizer.bin", "objects/x", "other"})
    void readsNoJavaObjects(String entry) throws IOException {
        ByteArrayOutputStream object = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(object)) {
            out.writeObject(new Loud());
        }
        MultiLayerNetwork network = trained(DataType.FLOAT);
        write(with(entries(network), entry, object.toByteArray()));
        assertThat(((MultiLayerNetwork) read()).params()).isEqualTo(network.params());
        assertThat(Loud.read).isFalse();
    }

    /** Says when it is initialised. */
    @SuppressWarnings("unused")
    private static final class Initialised {
        static {
            InitialisedFlag.set = true;
        }
    }

    private static final class InitialisedFlag {
        private static boolean set;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"@class\": \"%s\"}",
                "[\"%s\", {}]",
                "[\"%s\"]",
                "{\"@class\": \"[L%s;\"}",
                "{\"@class\": \"java.util.List<%s>\"}"
            })
    void refusesClassesThatAreNotDeeplearning4js(String form) throws IOException {
        Map<String, byte[]> entries = entries(trained(DataType.FLOAT));
        String json = text(entries.get("configuration.json"));
        String name = Initialised.class.getName();
        String changed = json.replaceFirst(
                "(?s)\"activationFn\" : \\{.*?\\}",
                Matcher.quoteReplacement("\"activationFn\" : " + form.formatted(name)));
        assertThat(changed).isNotEqualTo(json);
        write(with(entries, "configuration.json", bytes(changed)));
        assertRefused("entry configuration.json: it names the class ", "which is not Deeplearning4j's");
        assertThat(InitialisedFlag.set).isFalse();
    }

    @Test
    void loadsAClassThatTheUserAllows() throws IOException {
        Map<String, byte[]> entries = entries(trained(DataType.FLOAT));
        String json = text(entries.get("configuration.json"))
                .replaceFirst(
                        "org.nd4j.linalg.activations.impl.Activation\\w+",
                        OwnActivation.class.getName().replace("$", "\\$"));
        write(with(entries, "configuration.json", bytes(json)));
        assertRefused("names the class " + OwnActivation.class.getName(), "-Ddl4jpipeline.model.classes=");
        System.setProperty(ClassNames.ALLOWED, "com.example., " + OwnActivation.class.getName());
        try {
            assertThat(read()).isInstanceOf(MultiLayerNetwork.class);
        } finally {
            System.clearProperty(ClassNames.ALLOWED);
        }
    }

    /** Somebody's own. */
    public static final class OwnActivation extends ActivationTanH {
        private static final long serialVersionUID = 1;
    }

    // ---- What it refuses ----

    @ParameterizedTest
    @CsvSource({
        "nout, 4000000000000000000, 'configuration.json: layer '",
        "nout, 2147483647, 'coefficients.bin: it has 26 parameters, and the configuration has '",
        "nout, -1, 'configuration.json: '",
        "nout, 5, 'coefficients.bin: it has 26 parameters, and the configuration has 30, 20 of them in layer ''layer0'"
    })
    void refusesLayersOfOtherSizes(String property, String value, String message) throws IOException {
        Map<String, byte[]> entries = entries(trained(DataType.FLOAT));
        String json = text(entries.get("configuration.json"));
        String changed = json.replaceFirst("\"" + property + "\" : 4", "\"" + property + "\" : " + value);
        assertThat(changed).isNotEqualTo(json);
        write(with(entries, "configuration.json", bytes(changed)));
        assertRefused(message);
    }

    @ParameterizedTest
    @CsvSource({
        "configuration.json, nothing, 'entry configuration.json: it '",
        "configuration.json, {}, 'neither a ComputationGraph nor a MultiLayerNetwork'",
        "configuration.json, null, 'neither a ComputationGraph nor a MultiLayerNetwork'",
        "configuration.json, '{\"vertices\": {}}', 'holds no model of Deeplearning4j'",
        "configuration.json, '{\"confs\": [{}]}', 'holds no model of Deeplearning4j'",
        "coefficients.bin, '', 'entry coefficients.bin: it ends early'",
        "coefficients.bin, text, 'entry coefficients.bin: it '",
        "updaterState.bin, text, 'entry updaterState.bin: it '"
    })
    void refusesOtherContents(String entry, String content, String message) throws IOException {
        write(with(entries(trained(DataType.FLOAT)), entry, bytes(content)));
        assertRefused(message);
    }

    @Test
    void refusesDeepNesting() throws IOException {
        write(with(entries(trained(DataType.FLOAT)), "configuration.json", bytes("[".repeat(1_000_000))));
        assertRefused("configuration.json: it is nested deeper than");
    }

    @Test
    void refusesMissingEntries() throws IOException {
        for (String entry : new String[] {"configuration.json", "coefficients.bin"}) {
            Map<String, byte[]> entries = entries(trained(DataType.FLOAT));
            entries.remove(entry);
            write(entries);
            assertRefused("has no entry " + entry);
        }
    }

    @Test
    void refusesArraysOfOtherSizesAndTypes() throws IOException {
        MultiLayerNetwork network = trained(DataType.FLOAT);
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        arrays.put("it has 27 parameters, and the configuration has 26", Nd4j.zeros(DataType.FLOAT, 27));
        arrays.put("expected a vector", Nd4j.zeros(DataType.FLOAT, 13, 2));
        arrays.put("elements of type INT", Nd4j.zeros(DataType.INT32, PARAMETERS));
        for (Map.Entry<String, INDArray> array : arrays.entrySet()) {
            write(with(entries(network), "coefficients.bin", array(out -> Nd4j.write(array.getValue(), out))));
            assertRefused("entry coefficients.bin: it has ", array.getKey());
        }
        write(with(
                entries(network), "updaterState.bin", array(out -> Nd4j.write(Nd4j.zeros(DataType.FLOAT, 53), out))));
        assertRefused("entry updaterState.bin: it has 53 numbers", "there are 52");
    }

    /** What deflate makes small: 300 MB of spaces, and an array that is as large as it says, but not in this network. */
    @Test
    void refusesWhatIsLargerThanItShouldBe() throws IOException {
        Map<String, byte[]> entries = entries(trained(DataType.FLOAT));
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            zip.putNextEntry(new ZipEntry("configuration.json"));
            byte[] spaces = new byte[1 << 20];
            Arrays.fill(spaces, (byte) ' ');
            for (int i = 0; i < 100; i++) {
                zip.write(spaces);
            }
            put(zip, "coefficients.bin", entries.get("coefficients.bin"));
        }
        assertRefused("entry configuration.json: it is longer than ");

        byte[] longer = Arrays.copyOf(entries.get("coefficients.bin"), 1 << 20);
        write(with(entries, "coefficients.bin", longer));
        assertRefused("entry coefficients.bin: it goes on after its 26 elements");
    }

    /** As in a file that wants memory for what it does not hold. */
    @Test
    void refusesEntriesThatAreLargerThanTheFile() throws IOException {
        write(entries(trained(DataType.FLOAT)));
        byte[] zip = Files.readAllBytes(file);
        ByteBuffer bytes = ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN);
        int header = text(zip, StandardCharsets.ISO_8859_1)
                        .lastIndexOf("coefficients.bin", zip.length) // in the directory at the end
                - 46;
        assertThat(bytes.getInt(header)).isEqualTo(0x02014b50);
        bytes.putInt(header + 20, 1 << 30);
        Files.write(file, zip);
        assertRefused(
                "it has " + zip.length + " bytes, but says that 1073741824 of them are its entry coefficients.bin");
    }

    /** What is wrong with the file is told from what is wrong with reading it. */
    @Test
    void tellsDamageFromFailures() {
        for (Exception damage :
                new Exception[] {new ZipException("bad"), new EOFException(), new IllegalStateException()}) {
            assertThat(refusal(damage)).isInstanceOf(ModelFileException.class).hasMessageStartingWith("model.zip: it ");
        }
        OutOfMemoryError memory = new OutOfMemoryError("Java heap space");
        for (Throwable shortage : new Throwable[] {memory, new IllegalStateException("no array", memory)}) {
            assertThat(refusal(shortage))
                    .isInstanceOfSatisfying(ModelFileException.class, refused -> assertThat(refused.isOutOfMemory())
                            .isTrue())
                    .hasMessageStartingWith("model.zip: it needs more memory than there is: Java heap space; give ");
        }
        assertThat(refusal(new IOException("Input/output error")))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessage("Cannot read model.zip: Input/output error");
    }

    private static Throwable refusal(Throwable failure) {
        return catchThrowable(() -> ModelArchive.reading("model.zip", () -> {
            if (failure instanceof IOException e) {
                throw e;
            } else if (failure instanceof RuntimeException e) {
                throw e;
            }
            throw (Error) failure;
        }));
    }

    @Test
    void refusesEntriesThatAreThereTwiceOrLeadElsewhere() throws IOException {
        Map<String, byte[]> entries = entries(trained(DataType.FLOAT));
        write(with(entries, "configuration.jsoX", entries.get("configuration.json")));
        byte[] zip = Files.readAllBytes(file);
        byte[] twice = text(zip, StandardCharsets.ISO_8859_1)
                .replace("configuration.jsoX", "configuration.json")
                .getBytes(StandardCharsets.ISO_8859_1);
        Files.write(file, twice);
        assertRefused("two entries configuration.json");
        for (String name : new String[] {"../x", "/etc/x", "a\\b"}) {
            write(with(entries(trained(DataType.FLOAT)), name, new byte[1]));
            assertRefused("an entry with the name '" + name + "'");
        }
    }

    @Test
    void refusesOtherFiles() throws IOException {
        Files.writeString(file, "text");
        assertRefused("is damaged");
        Files.write(file, new byte[0]);
        assertRefused("is damaged");
        for (Path other : new Path[] {directory, directory.resolve("missing.zip")}) {
            assertThatThrownBy(() -> ModelArchive.open(other, Set.of()))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining(other.toString());
        }
    }

    @Test
    void refusesEveryDamagedHeader() throws IOException {
        MultiLayerNetwork network = trained(DataType.FLOAT);
        for (String entry : new String[] {"coefficients.bin", "updaterState.bin"}) {
            for (int at = 0; at < 120; at++) {
                for (int bit = 0; bit < 8; bit += 5) {
                    Map<String, byte[]> entries = entries(network);
                    entries.get(entry)[at] ^= (byte) (1 << bit);
                    write(entries);
                    readsOrRefuses("byte " + at + ", bit " + bit + " of " + entry);
                }
            }
        }
    }

    /** Configurations with numbers that nobody means: each is built, or refused by name. */
    @Test
    void refusesOrReadsEveryChangedNumber() throws IOException {
        Map<String, byte[]> entries = entries(trained(DataType.FLOAT));
        String json = text(entries.get("configuration.json"));
        for (String value : new String[] {"-1", "0", "4611686018427387904", "null", "1e308", "NaN"}) {
            Matcher number = Pattern.compile(" : -?[0-9.E-]+").matcher(json);
            while (number.find()) {
                String changed = json.substring(0, number.start()) + " : " + value + json.substring(number.end());
                write(with(entries, "configuration.json", bytes(changed)));
                readsOrRefuses(changed.substring(Math.max(0, number.start() - 20), number.start()) + value);
            }
        }
    }

    // ---- What it notices ----

    /** With checksums nothing that is read can differ from what was written. */
    @Test
    void noticesFlippedBitsAndLostBytes() throws IOException {
        MultiLayerNetwork network = trained(DataType.FLOAT);
        ModelWriter.write(file, network, true, Map.of("more", new byte[] {1, 2, 3}));
        byte[] whole = Files.readAllBytes(file);
        int refused = 0;
        int flips = 0;
        for (int at = 0; at < whole.length; at += 7) {
            byte[] damaged = whole.clone();
            damaged[at] ^= (byte) (1 << at % 8);
            Files.write(file, damaged);
            flips++;
            refused += isRefused(network) ? 1 : 0;
        }
        assertThat(refused).isGreaterThan(flips / 2);
        for (int length = 0; length < whole.length; length += 101) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertRefused("model.zip");
        }
    }

    private boolean isRefused(Model expected) {
        try (ModelArchive archive = ModelArchive.open(file, Set.of("more")).requireChecksums()) {
            byte[] more = archive.entry("more", 10).orElseThrow();
            assertSame(archive.model(true), expected);
            assertThat(more).containsExactly(1, 2, 3);
            return false;
        } catch (ModelFileException e) {
            assertThat(e).hasMessageContaining(file.toString());
            return true;
        }
    }

    // ---- Helpers ----

    private Model read() {
        try (ModelArchive archive = ModelArchive.open(file, Set.of())) {
            return archive.model(true);
        }
    }

    private void readsOrRefuses(String what) {
        try {
            read();
        } catch (ModelFileException e) {
            assertThat(e).as(what).hasMessageContaining(file.toString());
        }
    }

    private void assertRefused(String... messages) {
        assertThatThrownBy(this::read)
                .isInstanceOf(ModelFileException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContainingAll(messages);
    }

    private static void assertSame(Model actual, Model expected) {
        assertThat(bits(actual.params())).isEqualTo(bits(expected.params()));
        assertThat(bits(Blueprint.updaterState(actual))).isEqualTo(bits(Blueprint.updaterState(expected)));
        if (expected instanceof ComputationGraph graph) {
            assertThat(((ComputationGraph) actual).getConfiguration()).isEqualTo(graph.getConfiguration());
        } else {
            assertThat(((MultiLayerNetwork) actual).getLayerWiseConfigurations())
                    .isEqualTo(((MultiLayerNetwork) expected).getLayerWiseConfigurations());
        }
    }

    private static byte[] bits(INDArray array) {
        return array.dup().data().asBytes();
    }

    private static MultiLayerNetwork trained(DataType type) {
        MultiLayerConfiguration configuration = new NeuralNetConfiguration.Builder()
                .dataType(type)
                .updater(new Adam(0.01))
                .list()
                .layer(new DenseLayer.Builder().nIn(3).nOut(4).build())
                .layer(new OutputLayer.Builder(LossFunction.MSE).nIn(4).nOut(2).build())
                .build();
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        network.fit(new DataSet(Nd4j.ones(type, 2, 3), Nd4j.ones(type, 2, 2)));
        return network;
    }

    private Map<String, byte[]> entries(Model model) throws IOException {
        Path plain = directory.resolve("plain.zip");
        ModelSerializer.writeModel(model, plain.toFile(), true);
        Map<String, byte[]> entries = new LinkedHashMap<>();
        try (ZipFile zip = new ZipFile(plain.toFile())) {
            for (ZipEntry entry : zip.stream().toList()) {
                entries.put(entry.getName(), zip.getInputStream(entry).readAllBytes());
            }
        }
        return entries;
    }

    private static Map<String, byte[]> with(Map<String, byte[]> entries, String name, byte[] content) {
        entries.put(name, content);
        return entries;
    }

    private void write(Map<String, byte[]> entries) throws IOException {
        try (OutputStream out = Files.newOutputStream(file);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                put(zip, entry.getKey(), entry.getValue());
            }
        }
    }

    private static void put(ZipOutputStream zip, String name, byte[] content) throws IOException {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(content);
        zip.closeEntry();
    }

    private interface Writing {
        void to(DataOutputStream out) throws IOException;
    }

    private static byte[] array(Writing writing) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        writing.to(new DataOutputStream(bytes));
        return bytes.toByteArray();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return text(bytes, StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes, Charset charset) {
        return new String(bytes, charset);
    }
}
