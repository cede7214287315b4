package io.github.dl4jpipeline.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
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
            InferCommand.class,
            GenerateCompletion.class
        },
        footerHeading = Main.EXAMPLES,
        footer = {
            "  dl4j-pipeline train                  Train AlexNet on generated images.",
            "  dl4j-pipeline compare --model lenet  Measure a step beside plain fit.",
            "  dl4j-pipeline plan --model lenet     Show how LeNet is trained best, and why."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:success", "1:a failure", "2:bad input: options, data, files"})
final class Main implements Callable<Integer> {
    static final String EXAMPLES = "%nExamples:%n";

    @Spec
    private CommandSpec spec;

    /** Runs a subcommand and ends the process with its exit code. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    /** The command line; tests replace its streams. */
    static CommandLine commandLine() {
        CommandLine command = new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(ErrorReports::badUsage)
                .setExecutionExceptionHandler(ErrorReports::failed);
        command.getSubcommands()
                .get("generate-completion")
                .getCommandSpec()
                .usageMessage()
                .hidden(true);
        return command;
    }

    /** Without a subcommand it says what there is. */
    @Override
    public Integer call() {
        PrintWriter stdout = spec.commandLine().getOut();
        spec.commandLine().usage(stdout);
        stdout.flush();
        return ExitCode.OK;
    }
}
