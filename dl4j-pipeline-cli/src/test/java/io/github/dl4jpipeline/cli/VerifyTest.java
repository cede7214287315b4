package io.github.dl4jpipeline.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.cli.data.TestBatches;
import java.io.IOException;
import java.nio.file.Path;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** {@code train --verify}. */
class VerifyTest {
    private static final String VERIFIED =
            "First step verified: gradients of 4 arrays and score are plain Deeplearning4j's";
    private static final String ALLOWED = "dl4jpipeline.model.classes";

    @TempDir
    private Path directory;

    private Path data;
    private Path model;
    private Path out;
    private Path checkpoints;

    @BeforeEach
    void write() {
        data = TestBatches.directory(directory.resolve("data"), 43, 10);
        model = TinyModel.save(directory.resolve("tiny.zip"));
        out = directory.resolve("out.zip");
        checkpoints = directory.resolve("checkpoints");
    }

    @AfterEach
    void allowNothing() {
        System.clearProperty(ALLOWED);
    }

    @Test
    void whenARunIsResumedAndWithAPlanThatWasHeld() throws IOException {
        train("--epochs", 1, "--checkpoint-dir", checkpoints);
        CommandRun resumed = train("--epochs", 2, "--checkpoint-dir", checkpoints, "--resume", "--verify");
        assertThat(resumed.exitCode()).as(resumed.err()).isZero();
        assertThat(resumed.err()).contains("Resuming after epoch 1").doesNotContain("new plan");
        assertThat(resumed.out()).contains(VERIFIED);
        INDArray trained = parameters();

        CommandRun held = train("--epochs", 2, "--plan", checkpoints.resolve("checkpoint-0001.zip"), "--verify");
        assertThat(held.exitCode()).as(held.err()).isZero();
        assertThat(held.out()).contains(VERIFIED);
        assertThat(parameters()).isEqualTo(trained);
    }

    private INDArray parameters() throws IOException {
        return ComputationGraph.load(out.toFile(), true).params();
    }

    @Test
    void aDifferenceIsAFailureThatNamesTheArrays() throws IOException {
        ComputationGraph wrong = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(7)
                .graphBuilder()
                .addInputs("input")
                .setInputTypes(InputType.convolutional(32, 32, 3))
                .addLayer(
                        "wrong",
                        new DenseLayer.Builder()
                                .nOut(5)
                                .activation(new WrongInWorkers())
                                .build(),
                        "input")
                .addLayer(
                        "output",
                        new OutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .nOut(10)
                                .build(),
                        "wrong")
                .setOutputs("output")
                .build());
        wrong.init();
        wrong.save(model.toFile());
        System.setProperty(ALLOWED, WrongInWorkers.class.getName());
        CommandRun run = train("--epochs", 1, "--checkpoint-dir", checkpoints, "--verify");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err())
                .contains("'wrong_W' differs by ", "'wrong_b' differs by ", "nothing has been changed")
                .doesNotContain("'output_W'", "\tat ");
        assertThat(out).doesNotExist();
        assertThat(checkpoints).isEmptyDirectory();
        CommandRun unverified = train("--epochs", 1);
        assertThat(unverified.exitCode()).as(unverified.err()).isZero();
    }

    private CommandRun train(Object... more) {
        return CommandRun.trainTiny(model, data, out, more);
    }

    /** A tanh with wrong errors, but only where a pipeline runs it. */
    public static final class WrongInWorkers extends ActivationTanH {
        private static final long serialVersionUID = 1;

        @Override
        public Pair<INDArray, INDArray> backprop(INDArray in, INDArray epsilon) {
            Pair<INDArray, INDArray> right = super.backprop(in, epsilon);
            boolean inWorker = Thread.currentThread().getName().contains("-stage-");
            return inWorker ? new Pair<>(right.getFirst().muli(1.01), right.getSecond()) : right;
        }
    }
}
