package io.github.dl4jpipeline.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine;

/** A command that has been run within this process, with what it printed. */
record CommandRun(int exitCode, String out, String err) {

    /** Runs the command line; arguments are turned into text. */
    static CommandRun of(Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command = Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        int exitCode = command.execute(Stream.of(arguments).map(String::valueOf).toArray(String[]::new));
        return new CommandRun(exitCode, out.toString(), err.toString());
    }

    /** Runs {@code train} with a tiny model and tiny batches. */
    static CommandRun trainTiny(Path model, Path data, Path out, Object... more) {
        List<Object> fixed =
                List.of("train", "--model", model, "--data", data, "--out", out, "--batch", 8, "--stages", 2);
        return of(Stream.concat(fixed.stream(), Stream.of(more)).toArray());
    }
}
