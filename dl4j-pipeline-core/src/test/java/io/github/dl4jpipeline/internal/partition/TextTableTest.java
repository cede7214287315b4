package io.github.dl4jpipeline.internal.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TextTableTest {
    private static final TextTable TABLE = new TextTable("n", "plan", "ms", "note")
            .row("1", "one device", "12.5", "")
            .row("16", "pipeline of replicated stages", "3.0", "none");

    @Test
    void numbersStandRight() {
        assertThat(TABLE).asString().isEqualToNormalizingNewlines("""
                 n  plan                             ms  note
                 1  one device                     12.5
                16  pipeline of replicated stages   3.0  none
                """);
    }

    @Test
    void theWidestColumnsTakeSeveralLines() {
        assertThat(TABLE.within(31)).isEqualToNormalizingNewlines("""
                 n  plan               ms  note
                 1  one device       12.5
                16  pipeline of       3.0  none
                    replicated
                    stages
                """);
        assertThat(TABLE.within(45)).isEqualTo(TABLE.toString());
    }

    @Test
    void aWordThatIsTooLongIsCut() {
        assertThat(new TextTable("vertex", "ms").row("convolution-branch", "1").within(14))
                .isEqualToNormalizingNewlines("""
                        vertex      ms
                        convolutio   1
                        n-branch
                        """);
    }

    @Test
    void noColumnIsNarrowerThanItsLimit() {
        assertThat(new TextTable("a", "b").row("abcdefg", "abcdefg").within(1).lines())
                .containsExactly("a      b", "abcde  abcde", "fg     fg");
    }

    @Test
    void aRowHasACellForEachTitle() {
        assertThatThrownBy(() -> new TextTable("a", "b").row("1"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("A row needs 2 cells, got [1]");
    }
}
