package io.github.dl4jpipeline.cli.data;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/** Archives with batches of one image. */
final class CifarArchives {
    private static final int HEADER_BYTES = 512;
    private static final int CHECKSUM = 148;
    private static final int CHECKSUM_BYTES = 8;

    private CifarArchives() {}

    static byte[] tar() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
            for (String batch : CifarDownload.BATCHES) {
                TarArchiveEntry entry = new TarArchiveEntry("cifar-10-batches-bin/" + batch);
                entry.setSize(CifarFormat.RECORD_BYTES);
                tar.putArchiveEntry(entry);
                tar.write(new byte[CifarFormat.RECORD_BYTES]);
                tar.closeArchiveEntry();
            }
        }
        return bytes.toByteArray();
    }

    /** Makes the checksum of the header at a place right. */
    static void repair(byte[] tar, int at) {
        System.arraycopy("        ".getBytes(US_ASCII), 0, tar, at + CHECKSUM, CHECKSUM_BYTES);
        int sum = 0;
        for (int i = at; i < at + HEADER_BYTES; i++) {
            sum += tar[i] & 0xff;
        }
        System.arraycopy("%06o\0 ".formatted(sum).getBytes(US_ASCII), 0, tar, at + CHECKSUM, CHECKSUM_BYTES);
    }

    static byte[] compressed(byte[] tar) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(tar);
        }
        return bytes.toByteArray();
    }
}
