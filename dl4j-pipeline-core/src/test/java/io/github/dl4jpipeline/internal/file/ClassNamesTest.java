package io.github.dl4jpipeline.internal.file;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.exception.ModelFileException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClassNamesTest {
    private static final String PAIR = "org.nd4j.common.primitives.Pair";
    private static final String FOREIGN = "java.io.File";

    /** Readers leave out control characters and blanks, however many. */
    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\\u0001", "\\u0000\\t\\n", "BLANKS"})
    void findsAClassAmongTypeArguments(String before) {
        String blanks = before.equals("BLANKS") ? " ".repeat(2_000) : before;
        String json = "{\"@class\": \"" + PAIR + "<" + PAIR + "," + blanks + FOREIGN + ">\"}";
        assertThatThrownBy(() -> ClassNames.check(json))
                .isInstanceOf(ModelFileException.class)
                .hasMessageContaining("names the class " + FOREIGN);
    }

    @ParameterizedTest
    @ValueSource(strings = {PAIR, "[L" + PAIR + ";", "conv1", "a text, with <brackets>"})
    void letsOtherTextsPass(String text) {
        assertThatCode(() -> ClassNames.check("{\"@class\": \"" + text + "\"}")).doesNotThrowAnyException();
    }

    @Test
    void refusesMoreNamesThanAnyConfigurationHas() {
        String names = IntStream.rangeClosed(0, 100_000)
                .mapToObj(i -> "\"no.such.Class" + i + "\"")
                .collect(Collectors.joining(",", "[", "]"));
        assertThatThrownBy(() -> ClassNames.check(names)).hasMessageContaining("more than 100000 different texts");
    }
}
