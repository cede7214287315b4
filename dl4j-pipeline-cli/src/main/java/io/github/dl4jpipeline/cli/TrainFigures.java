package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.data.TrainingData;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.train.TrainingResult;
import io.github.dl4jpipeline.cli.train.TrainingSettings;
import java.nio.file.Path;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** What {@code train --json} writes. */
record TrainFigures(
        String model,
        long parameters,
        String data,
        int trainImages,
        int testImages,
        int epochs,
        int batch,
        long seed,
        String schedule,
        int stages,
        int microBatches,
        double accuracy,
        double loss,
        double seconds,
        double profilingSeconds,
        double imagesPerSecond,
        @Nullable Double timesPlainFit,
        @Nullable VerificationFigures verification,
        String out) {

    static TrainFigures of(
            NamedModel model,
            TrainingData data,
            TrainingSettings settings,
            TrainingResult result,
            OptionalDouble timesPlainFit,
            Path out) {
        return new TrainFigures(
                model.name(),
                model.parameters(),
                data.name(),
                data.trainSize(),
                data.testSize(),
                settings.epochs(),
                settings.batch(),
                settings.seed(),
                result.plan().schedule().name(),
                result.plan().stages().size(),
                result.plan().microBatches(),
                result.accuracy(),
                result.loss(),
                result.seconds(),
                result.profilingSeconds(),
                result.imagesPerSecond(),
                timesPlainFit.isPresent() ? timesPlainFit.getAsDouble() : null,
                result.report().verification().map(VerificationFigures::of).orElse(null),
                out.toString());
    }
}
