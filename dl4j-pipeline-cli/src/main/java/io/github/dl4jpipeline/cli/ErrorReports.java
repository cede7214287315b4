package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.DifferentResultException;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.exception.NoPlanException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Turns exceptions into messages on standard error and exit codes. */
final class ErrorReports {
    private ErrorReports() {}

    /** Arguments that do not parse. */
    static int badUsage(ParameterException failure, String[] arguments) {
        CommandLine command = failure.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("error: " + failure.getMessage());
        CommandLine.UnmatchedArgumentException.printSuggestions(failure, err);
        err.println("See " + command.getCommandSpec().qualifiedName() + " --help");
        err.flush();
        return ExitCode.USAGE;
    }

    /** A command that has failed; what the user can mend is told without a stack trace. */
    static int failed(Exception failure, CommandLine command, ParseResult arguments) {
        PrintWriter err = command.getErr();
        err.println("error: " + failure.getMessage());
        boolean badInput = failure instanceof InputException || failure instanceof NoPlanException;
        boolean explained = failure instanceof UncheckedIOException || failure instanceof DifferentResultException;
        if (!badInput && !explained) {
            failure.printStackTrace(err);
        }
        err.flush();
        return badInput ? ExitCode.USAGE : ExitCode.SOFTWARE;
    }
}
