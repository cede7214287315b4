package io.github.dl4jpipeline.cli.model;

import io.github.dl4jpipeline.cli.data.CifarFormat;
import io.github.dl4jpipeline.cli.data.TextData;
import io.github.dl4jpipeline.cli.data.TrainingData;
import io.github.dl4jpipeline.cli.io.Failures;
import io.github.dl4jpipeline.cli.io.InputException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * An initialised network that gives classes.
 *
 * @param name what it is called in reports
 * @param model a {@code ComputationGraph} or a {@code MultiLayerNetwork}
 * @param shape what it takes and gives
 */
public record NamedModel(String name, Model model, ModelShape shape) {
    static final int USUAL_BATCH = 64;
    private static final String FILE_ENDING = ".zip";

    /** One for images {@code [batch, 3, 32, 32]} and 10 classes. */
    public NamedModel(String name, Model model) {
        this(name, model, ImageSize.CIFAR);
    }

    /**
     * A new example network, or the model in a file, for images of 3x32x32 and 10 classes.
     *
     * @param nameOrFile a name, or the path of a file that ends in {@code .zip}
     * @param seed of a new network's random parameters
     * @throws InputException if there is no such name or file, or the model is not one for these images
     */
    public static NamedModel ofCifar(String nameOrFile, long seed) {
        if (!isFile(nameOrFile)) {
            requireCifar(nameOrFile, ExampleModel.named(nameOrFile).shape());
        }
        return of(nameOrFile, seed);
    }

    /** Whether a model is trained on texts, and not on images. */
    public static boolean takesText(String nameOrFile) {
        return !isFile(nameOrFile) && ExampleModel.named(nameOrFile) == ExampleModel.CHAR_RNN;
    }

    /**
     * A new network, or the model in a file, for data to train on.
     *
     * @param nameOrFile for a text, a model that {@link #takesText}
     * @throws InputException if there is no such name or file, or the model is not one for these data
     */
    public static NamedModel of(String nameOrFile, TrainingData data, long seed) {
        if (data instanceof TextData text) {
            ComputationGraph graph = ExampleModel.initialised(CharRnn.configuration(seed, text.characters()));
            return new NamedModel(nameOrFile, graph, shapeFor(data));
        }
        return ofCifar(nameOrFile, seed);
    }

    /** What a model for these data takes and gives. */
    public static ModelShape shapeFor(TrainingData data) {
        return data instanceof TextData text ? CharRnn.size(text.characters()) : ImageSize.CIFAR;
    }

    private static void requireCifar(String name, ModelShape shape) {
        if (!shape.equals(ImageSize.CIFAR)) {
            throw new InputException("Model '" + name + "' takes " + shape + "; here models for " + ImageSize.CIFAR
                    + " can be used, such as alexnet-cifar and lenet");
        }
    }

    /**
     * Makes sure that this takes the images of CIFAR-10.
     *
     * @throws InputException if it does not
     */
    public void requireCifar() {
        requireCifar(name, shape);
    }

    /**
     * The images that it takes, and its classes.
     *
     * @throws InputException if it takes something else
     */
    public ImageSize images() {
        if (shape instanceof ImageSize images) {
            return images;
        }
        throw new InputException("Model '" + name + "' takes " + shape + "; here models for images can be used");
    }

    /** The same for a network by name that takes images of any size, or something else. */
    public static NamedModel of(String nameOrFile, long seed) {
        if (!isFile(nameOrFile)) {
            ExampleModel model = ExampleModel.named(nameOrFile);
            return new NamedModel(nameOrFile, model.create(seed), model.shape());
        }
        Path file = Path.of(nameOrFile);
        Model model = ModelFile.read(file);
        requireImages(file, model);
        return new NamedModel(nameOf(file), model);
    }

    /**
     * The name that {@link #of} gives.
     *
     * @throws InputException if there is no such name
     */
    public static String nameOf(String nameOrFile) {
        if (isFile(nameOrFile)) {
            return nameOf(Path.of(nameOrFile));
        }
        ExampleModel.named(nameOrFile);
        return nameOrFile;
    }

    /**
     * How many examples a batch has unless the user says otherwise.
     *
     * @throws InputException if there is no such name
     */
    public static int usualBatch(String nameOrFile) {
        return isFile(nameOrFile) ? USUAL_BATCH : ExampleModel.named(nameOrFile).usualBatch();
    }

    /** Whether {@link #of} takes this for a file. */
    public static boolean isFile(String nameOrFile) {
        return nameOrFile.toLowerCase(Locale.ROOT).endsWith(FILE_ENDING);
    }

    private static String nameOf(Path file) {
        String name = file.getFileName().toString();
        return name.substring(0, name.length() - FILE_ENDING.length());
    }

    private static void requireImages(Path file, Model model) {
        String wanted = "images [batch, 3, 32, 32] to give [batch, 10]";
        if (model instanceof ComputationGraph graph
                && (graph.getNumInputArrays() != 1 || graph.getNumOutputArrays() != 1)) {
            throw new InputException(file + " has " + graph.getNumInputArrays() + " inputs and "
                    + graph.getNumOutputArrays() + " outputs; expected 1 input and 1 output, " + wanted);
        }
        ActivationSizes.require(file, model, ImageSize.CIFAR.inputType());
        INDArray image = Nd4j.zeros(DataType.FLOAT, 1, CifarFormat.CHANNELS, CifarFormat.SIZE, CifarFormat.SIZE);
        long[] shape;
        try {
            INDArray output = model instanceof ComputationGraph graph
                    ? graph.outputSingle(image)
                    : ((MultiLayerNetwork) model).output(image);
            shape = output.shape();
        } catch (RuntimeException e) {
            throw new InputException(file + " does not take " + wanted + ": " + Failures.reason(e), e);
        }
        if (!Arrays.equals(shape, new long[] {1, CifarFormat.CLASSES})) {
            throw new InputException(file + " gives " + Arrays.toString(shape) + " for one image; expected " + wanted);
        }
    }

    /** The model as a graph; a multi-layer network is copied into one. */
    public ComputationGraph graph() {
        return model instanceof ComputationGraph graph ? graph : ((MultiLayerNetwork) model).toComputationGraph();
    }

    public long parameters() {
        return model.numParams();
    }
}
