package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.DevicesUnavailableException;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whether stages run on GPUs. */
final class GpuOptions {
    @Option(
            names = "--gpus",
            paramLabel = "N",
            description = "Run stages on the first N GPUs instead of this machine's cores.")
    private @Nullable Integer gpus;

    /**
     * The GPUs asked for, if any. Call it before anything of ND4J, which takes GPUs as it finds them.
     *
     * @throws InputException if they cannot be used; the message says what was found and what is needed
     */
    Optional<Devices> devices() {
        OptionalInt wanted = Options.requirePositiveIfGiven("--gpus", gpus);
        try {
            return wanted.isEmpty() ? Optional.empty() : Optional.of(Devices.gpu(wanted.getAsInt()));
        } catch (DevicesUnavailableException e) {
            throw new InputException("--gpus: " + e.getMessage(), e);
        }
    }
}
