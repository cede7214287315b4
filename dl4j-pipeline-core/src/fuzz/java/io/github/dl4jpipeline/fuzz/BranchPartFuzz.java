package io.github.dl4jpipeline.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.io.InputStream;

/** Branch parts with changed entries or bytes. */
class BranchPartFuzz {
    @FuzzTest(maxDuration = "", maxExecutions = 20_000)
    void entries(FuzzedDataProvider data) throws IOException {
        try (InputStream seed = getClass().getResourceAsStream("BranchPartFuzzInputs/zip/branch-0.zip")) {
            ModelContract.branchPart(ZipMutation.of(seed.readAllBytes(), "dl4j-pipeline-checksums.json", data));
        }
    }
}
