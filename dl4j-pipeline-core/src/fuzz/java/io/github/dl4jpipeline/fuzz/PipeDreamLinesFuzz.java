package io.github.dl4jpipeline.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** PipeDream's profiles with changed words and lines. */
class PipeDreamLinesFuzz {
    private static final int MOST_CHANGES = 6;

    private static final List<String> WORDS = List.of(
            "NaN",
            "-1",
            "1e308",
            "1e400",
            "1e12",
            "0x1p3",
            "[1; 2]",
            "[]",
            "[;]",
            "node1",
            "node2",
            "node9",
            "Input",
            "Input1",
            "--",
            "\t",
            "",
            "9223372036854775808",
            "forward_compute_time=1e12,",
            "\u2003");

    @FuzzTest(maxDuration = "", maxExecutions = 20_000)
    void words(FuzzedDataProvider data) throws IOException {
        String seed;
        try (InputStream in = getClass().getResourceAsStream("PipeDreamFuzzInputs/text/inputs.txt")) {
            seed = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        List<String> lines = new ArrayList<>(seed.lines().toList());
        int changes = data.consumeInt(1, MOST_CHANGES);
        for (int i = 0; i < changes && !lines.isEmpty(); i++) {
            int at = data.consumeInt(0, lines.size() - 1);
            switch (data.consumeInt(0, 4)) {
                case 0 -> lines.remove(at);
                case 1 -> lines.add(at, lines.get(data.consumeInt(0, lines.size() - 1)));
                case 2 -> lines.add("\tnode" + data.consumeInt(1, 9) + " -- node" + data.consumeInt(1, 9));
                default -> lines.set(at, changed(lines.get(at), data));
            }
        }
        ProfileContract.pipeDream(String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
    }

    private static String changed(String line, FuzzedDataProvider data) {
        String between = data.consumeBoolean() ? " " : "=";
        List<String> words = new ArrayList<>(Arrays.asList(line.split(between, -1)));
        words.set(data.consumeInt(0, words.size() - 1), WORDS.get(data.consumeInt(0, WORDS.size() - 1)));
        return String.join(between, words);
    }
}
