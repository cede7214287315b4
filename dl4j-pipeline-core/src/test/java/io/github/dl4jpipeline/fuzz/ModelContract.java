package io.github.dl4jpipeline.fuzz;

import io.github.dl4jpipeline.branch.BranchPart;
import io.github.dl4jpipeline.branch.BranchParts;
import io.github.dl4jpipeline.internal.file.ModelArchive;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.deeplearning4j.nn.api.Model;

/** A model file is read, or refused by name; parts of a network are joined, or it is said why they cannot be. */
final class ModelContract {
    private static final List<BranchPart> OTHERS = new ArrayList<>();

    private ModelContract() {}

    /** A model of Deeplearning4j, with the state of its updater. */
    static void model(byte[] content) {
        FileContract.check("model.zip", content, ModelContract::read, Model::params);
    }

    private static Model read(Path file) {
        try (ModelArchive archive = ModelArchive.open(file, Set.of())) {
            return archive.model(true);
        }
    }

    /** Branch 0 of a network of two branches, which is joined with the other parts. */
    static void branchPart(byte[] content) {
        FileContract.check("branch-0.zip", content, BranchPart::load, ModelContract::join);
    }

    private static void join(BranchPart part) {
        List<BranchPart> all = new ArrayList<>(others());
        all.add(part);
        try {
            BranchParts.join(all);
        } catch (IllegalArgumentException e) {
            if (e.getMessage() == null || !e.getMessage().contains("arts")) {
                throw new IllegalStateException("refused without a reason", e);
            }
        }
    }

    private static synchronized List<BranchPart> others() {
        if (OTHERS.isEmpty()) {
            OTHERS.add(part("branch-1.zip"));
            OTHERS.add(part("head.zip"));
        }
        return OTHERS;
    }

    private static BranchPart part(String name) {
        try (InputStream in = ModelContract.class.getResourceAsStream("parts/" + name)) {
            Path file = Files.createTempFile("part", ".zip");
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
            BranchPart part = BranchPart.load(file);
            Files.delete(file);
            return part;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
