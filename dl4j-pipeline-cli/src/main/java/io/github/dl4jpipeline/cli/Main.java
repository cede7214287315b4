package io.github.dl4jpipeline.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code dl4j-pipeline}. */
@Command(
        name = "dl4j-pipeline",
        description = "Trains Deeplearning4j networks in a pipeline; profiles, plans, compares and splits them.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {
            TrainCommand.class,
            ProfileCommand.class,
            PlanCommand.class,
            SimulateCommand.class,
            CompareCommand.class,
            SplitCommand.class,
            InferCommand.class
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:success", "1:a failure", "2:bad input: options, data, files"})
final class Main implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    /** Runs a subcommand and ends the process with its exit code. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    /** The command line; tests replace its streams. */
    static CommandLine commandLine() {
        return new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(ErrorReports::badUsage)
                .setExecutionExceptionHandler(ErrorReports::failed);
    }

    @Override
    public Integer call() {
        throw new ParameterException(
                spec.commandLine(), "Missing subcommand: train, profile, plan, simulate, compare, split or infer");
    }
}
