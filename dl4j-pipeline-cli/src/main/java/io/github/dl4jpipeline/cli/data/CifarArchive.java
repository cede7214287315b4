package io.github.dl4jpipeline.cli.data;

import java.net.URI;

/**
 * An archive with the batches, as published.
 *
 * @param address where it is
 * @param bytes its size
 * @param sha256 its checksum, in lower-case hexadecimal digits
 */
record CifarArchive(URI address, long bytes, String sha256) {

    /** CIFAR-10's binary version at its authors' address. */
    static final CifarArchive OFFICIAL = new CifarArchive(
            URI.create("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"),
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd");
}
