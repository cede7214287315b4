package io.github.dl4jpipeline.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** Profiles with changed bytes. */
class ProfileFuzz {
    @FuzzTest(maxDuration = "", maxExecutions = 20_000)
    void json(byte[] content) {
        ProfileContract.json(content);
    }
}
