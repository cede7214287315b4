package io.github.dl4jpipeline.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.io.InputStream;

/** Profiles that are JSON, with changed values. */
class ProfileTreeFuzz {
    @FuzzTest(maxDuration = "", maxExecutions = 20_000)
    void values(FuzzedDataProvider data) throws IOException {
        try (InputStream seed = getClass().getResourceAsStream("ProfileFuzzInputs/json/tiles.json")) {
            ProfileContract.json(JsonMutation.of(seed.readAllBytes(), data));
        }
    }
}
