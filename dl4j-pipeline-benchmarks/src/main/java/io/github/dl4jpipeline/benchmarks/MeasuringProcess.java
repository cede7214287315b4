package io.github.dl4jpipeline.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A measurement in a process of its own, with the Java options of this one. It prints one line that begins with {@value #MARK}. */
final class MeasuringProcess {
    /** Begins the line of results. */
    static final String MARK = "measured";

    private static final String SEPARATOR = "\t";

    private MeasuringProcess() {}

    /** The line of some results. */
    static String line(List<String> results) {
        return MARK + SEPARATOR + String.join(SEPARATOR, results);
    }

    /** More results at the end of a line. */
    static String more(String... results) {
        return SEPARATOR + String.join(SEPARATOR, results);
    }

    /**
     * Runs the main method of a class, and returns the results of its line. What it prints to standard error is shown.
     *
     * @param options of Java, beside those of this process
     * @throws IllegalStateException if it has ended without such a line
     */
    static List<String> run(Class<?> main, List<String> options, List<String> arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = process.waitFor();
        String line = out.lines()
                .filter(printed -> printed.startsWith(MARK + SEPARATOR))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(
                        main.getSimpleName() + " " + String.join(" ", arguments) + " has ended with " + code));
        List<String> fields = List.of(line.split(SEPARATOR, -1));
        return fields.subList(1, fields.size());
    }
}
