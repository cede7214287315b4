package io.github.dl4jpipeline.cuda;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

/** Writes what the tests on GPUs find to {@code target/gpu-report.md}, to be attached to an issue. */
final class GpuReport implements TestWatcher {
    private static final Path FILE = Path.of("target", "gpu-report.md");

    static {
        try {
            Files.createDirectories(FILE.getParent());
            Files.writeString(FILE, "# dl4j-pipeline-cuda on this machine\n\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        line("- %s %s, Java %s", property("os.name"), property("os.version"), property("java.vm.version"));
        line("- %s", CudaFindings.ofThisMachine());
    }

    /** Adds a figure. */
    static void line(String format, Object... arguments) {
        try {
            Files.writeString(FILE, String.format(Locale.ROOT, format, arguments) + "\n", StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String property(String name) {
        return System.getProperty(name);
    }

    private static String name(ExtensionContext test) {
        return test.getRequiredTestClass().getSimpleName() + "." + test.getDisplayName();
    }

    @Override
    public void testSuccessful(ExtensionContext test) {
        line("- passed: %s", name(test));
    }

    @Override
    public void testDisabled(ExtensionContext test, Optional<String> reason) {
        line("- skipped: %s. %s", name(test), reason.orElse(""));
    }

    @Override
    public void testAborted(ExtensionContext test, Throwable cause) {
        line("- skipped: %s. %s", name(test), cause.getMessage());
    }

    @Override
    public void testFailed(ExtensionContext test, Throwable cause) {
        StringWriter trace = new StringWriter();
        cause.printStackTrace(new PrintWriter(trace));
        line("- FAILED: %s%n%n```%n%s```%n", name(test), trace);
    }
}
