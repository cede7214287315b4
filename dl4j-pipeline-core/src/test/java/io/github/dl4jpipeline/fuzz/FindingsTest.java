package io.github.dl4jpipeline.fuzz;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What fuzzers have found, and the files that they start from. */
class FindingsTest {
    static List<Path> profiles() throws IOException, URISyntaxException {
        return files("ProfileFuzzInputs/json");
    }

    static List<Path> graphs() throws IOException, URISyntaxException {
        return files("PipeDreamFuzzInputs/text");
    }

    static List<Path> models() throws IOException, URISyntaxException {
        return files("ModelFuzzInputs/zip");
    }

    static List<Path> branchParts() throws IOException, URISyntaxException {
        return files("BranchPartFuzzInputs/zip");
    }

    private static List<Path> files(String directory) throws IOException, URISyntaxException {
        URL resource = FindingsTest.class.getResource(directory);
        if (resource == null) {
            throw new IllegalStateException("there is no resource " + directory);
        }
        try (Stream<Path> files = Files.list(Path.of(resource.toURI()))) {
            return files.sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("profiles")
    void profile(Path file) throws IOException {
        ProfileContract.json(Files.readAllBytes(file));
    }

    @ParameterizedTest
    @MethodSource("graphs")
    void pipeDreamGraph(Path file) throws IOException {
        ProfileContract.pipeDream(Files.readAllBytes(file));
    }

    @ParameterizedTest
    @MethodSource("models")
    void model(Path file) throws IOException {
        ModelContract.model(Files.readAllBytes(file));
    }

    @ParameterizedTest
    @MethodSource("branchParts")
    void branchPart(Path file) throws IOException {
        ModelContract.branchPart(Files.readAllBytes(file));
    }
}
