package io.github.dl4jpipeline.cuda;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the NVIDIA driver says.
 *
 * @param problem why the driver cannot be asked, null if it can
 * @param cudaVersion the CUDA version that it is for, such as 11060 for 11.6
 * @param gpus in its order
 */
record DriverFindings(@Nullable String problem, int cudaVersion, List<Gpu> gpus) {
    static DriverFindings failed(String problem) {
        return new DriverFindings(problem, 0, List.of());
    }
}
