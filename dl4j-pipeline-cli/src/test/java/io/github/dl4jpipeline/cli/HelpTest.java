package io.github.dl4jpipeline.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HelpTest {
    @Test
    void withoutArgumentsItSaysWhatThereIs() {
        CommandRun run = CommandRun.of();
        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.out()).isEqualTo(CommandRun.of("--help").out());
        assertThat(run.out().lines().filter(line -> line.startsWith("  dl4j-pipeline ")))
                .hasSize(3);
        assertThat(run.out())
                .contains("train", "profile", "compare", "Exit codes")
                .doesNotContain("generate-completion");
    }

    @ParameterizedTest
    @ValueSource(strings = {"train", "profile", "plan", "simulate", "compare", "split", "infer"})
    void everySubcommandHasExamples(String subcommand) {
        CommandRun run = CommandRun.of(subcommand, "--help");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("Examples:", "  dl4j-pipeline " + subcommand);
        assertThat(run.out().lines()).allMatch(line -> line.length() <= 80);
        assertThat(run.out()
                        .lines()
                        .dropWhile(line -> !line.equals("Examples:"))
                        .skip(1)) // none is wrapped
                .allMatch(line -> line.startsWith("  dl4j-pipeline " + subcommand));
    }

    @Test
    void onlyModelsThatASubcommandTakes() {
        assertThat(CommandRun.of("train", "--help").out())
                .contains("vgg16-cifar")
                .doesNotContain("resnet50", "lstm");
        assertThat(CommandRun.of("split", "--help").out()).contains("resnet50").doesNotContain("lstm");
        assertThat(CommandRun.of("plan", "--help").out()).contains("resnet50", "lstm");
    }

    @Test
    void aScriptThatCompletesOptionsAndModels() {
        CommandRun run = CommandRun.of("generate-completion");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("complete -F", "dl4j-pipeline", "--checkpoint-dir", "vgg16-cifar");
    }
}
