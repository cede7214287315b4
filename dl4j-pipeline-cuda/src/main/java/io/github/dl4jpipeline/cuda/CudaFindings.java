package io.github.dl4jpipeline.cuda;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What there is for CUDA in this process and on this machine.
 *
 * @param backend class of ND4J's backend that the class path would load, null if the CUDA backend is not there
 * @param natives whether the native library of the CUDA backend is on the class path
 * @param driverProblem why the driver cannot be asked, null if it can
 * @param driverVersion the CUDA version that the driver is for, such as 11060 for 11.6
 */
record CudaFindings(
        @Nullable String backend,
        boolean natives,
        @Nullable String driverProblem,
        int driverVersion,
        List<Gpu> gpus) {}
