package io.github.dl4jpipeline.cuda;

import org.bytedeco.javacpp.Loader;

/**
 * What there is for CUDA on this machine and on the class path.
 *
 * @param platform operating system and processor, such as {@code linux-x86_64}
 * @param classes whether the classes of ND4J's CUDA backend are on the class path
 * @param natives whether its native library for this platform is
 */
record CudaFindings(String platform, DriverFindings driver, boolean classes, boolean natives) {
    private static final String BACKEND = "org/nd4j/linalg/jcublas/";

    /** Looks without loading anything of the CUDA backend. */
    static CudaFindings ofThisMachine() {
        ClassLoader loader = CudaFindings.class.getClassLoader();
        String platform = Loader.Detector.getPlatform();
        return new CudaFindings(
                platform, CudaDriver.ask(), isThere(loader, "JCublasBackend.class"), hasNatives(loader, platform));
    }

    private static boolean hasNatives(ClassLoader loader, String platform) {
        String library = System.mapLibraryName("jnind4jcuda");
        return isThere(loader, "bindings/" + platform + "/" + library)
                || isThere(loader, "bindings/" + platform + "-cudnn/" + library);
    }

    private static boolean isThere(ClassLoader loader, String name) {
        return loader.getResource(BACKEND + name) != null;
    }
}
