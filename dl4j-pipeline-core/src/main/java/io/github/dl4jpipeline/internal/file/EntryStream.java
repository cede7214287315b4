package io.github.dl4jpipeline.internal.file;

import io.github.dl4jpipeline.exception.ModelFileException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.DigestInputStream;
import java.util.HexFormat;
import java.util.Optional;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;

/** The content of an entry, whose checksums are compared at its end. */
final class EntryStream extends FilterInputStream {
    /** Deflate makes nothing smaller than by this. */
    private static final long MOST_COMPRESSED = 1032;

    private final ZipEntry entry;
    private final Optional<String> sha256;
    private final CheckedInputStream checked;
    private final DigestInputStream digested;

    EntryStream(InputStream content, ZipEntry entry, Optional<String> sha256) {
        this(new DigestInputStream(content, EntryChecksums.digest()), entry, sha256);
    }

    private EntryStream(DigestInputStream digested, ZipEntry entry, Optional<String> sha256) {
        this(digested, new CheckedInputStream(digested, new CRC32()), entry, sha256);
    }

    private EntryStream(
            DigestInputStream digested, CheckedInputStream checked, ZipEntry entry, Optional<String> sha256) {
        super(checked);
        this.digested = digested;
        this.checked = checked;
        this.entry = entry;
        this.sha256 = sha256;
    }

    /**
     * Makes sure, before memory is taken, that the file can hold so many bytes.
     *
     * @throws ModelFileException if it cannot
     */
    void requireSize(long bytes) {
        if (entry.getSize() < bytes || entry.getCompressedSize() < bytes / MOST_COMPRESSED) {
            throw new ModelFileException("it has " + entry.getSize() + " bytes, " + entry.getCompressedSize()
                    + " of them in the file, too few for " + bytes + " bytes of numbers");
        }
    }

    /**
     * Compares checksums after the last byte.
     *
     * @throws ModelFileException if the content is not what was written
     */
    void verify() throws IOException {
        if (read() >= 0) {
            throw new ModelFileException("it is longer than it should be");
        }
        String found = HexFormat.of().formatHex(digested.getMessageDigest().digest());
        if (checked.getChecksum().getValue() != entry.getCrc()
                || !sha256.orElse(found).equals(found)) {
            throw new ModelFileException("it is damaged: its checksum is not that of its content");
        }
    }
}
