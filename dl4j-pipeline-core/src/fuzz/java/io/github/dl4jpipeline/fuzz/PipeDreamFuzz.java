package io.github.dl4jpipeline.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** PipeDream's profiles with changed bytes. */
class PipeDreamFuzz {
    @FuzzTest(maxDuration = "", maxExecutions = 20_000)
    void text(byte[] content) {
        ProfileContract.pipeDream(content);
    }
}
