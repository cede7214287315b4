package io.github.dl4jpipeline.cli.compare;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.Loader;
import org.nd4j.nativeblas.NativeOpsHolder;

/** Names the native library that runs the operations. */
final class Backend {
    private static final Pattern JAR =
            Pattern.compile("nd4j-[^/\\\\]*?-\\d[^/\\\\]*?-((?:linux|macosx|windows)-[^/\\\\]+)\\.jar");

    private Backend() {}

    /** The classifier of the jar it was loaded from, such as {@code linux-x86_64-onednn-avx2}; else its path. */
    static String classifier() {
        String library =
                Loader.load(NativeOpsHolder.getInstance().getDeviceNativeOps().getClass());
        if (library == null) {
            return "unknown";
        }
        Matcher jar = JAR.matcher(library);
        return jar.find() ? jar.group(1) : library;
    }
}
