package io.github.dl4jpipeline.branch;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Which part of which branched network this is.
 *
 * @param network checksum of the whole network's configuration and parameters
 * @param branches number of branches of the network
 * @param index of the branch, from 0; the number of branches for the head, which follows them
 * @param networkInputs the whole network's inputs, in their order
 */
record PartIdentity(String network, int branches, int index, List<String> networkInputs) {
    PartIdentity {
        if (network == null || networkInputs == null || networkInputs.stream().anyMatch(Objects::isNull)) {
            throw new IllegalArgumentException("It does not say of which network it is, and with which inputs");
        }
        if (branches < 1 || index < 0 || index > branches) {
            throw new IllegalArgumentException("It has the index " + index + " of " + branches + " branches; branches"
                    + " count from 0, and the head follows them");
        }
        networkInputs = List.copyOf(networkInputs);
    }

    boolean isHead() {
        return index == branches;
    }

    /** For people: "branch 0 of 2", counted as in the names of its vertices, or "the head of 2 branches". */
    String title() {
        return isHead() ? "the head of " + branches + " branches" : "branch " + index + " of " + branches;
    }

    static String checksum(ComputationGraph network) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(network.getConfiguration().toJson().getBytes(StandardCharsets.UTF_8));
            for (INDArray parameters : network.paramTable().values()) {
                digest.update(parameters.dup('c').data().asBytes());
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has SHA-256
        }
    }
}
