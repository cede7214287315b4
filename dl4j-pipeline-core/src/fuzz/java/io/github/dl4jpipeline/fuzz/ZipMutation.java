package io.github.dl4jpipeline.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/** Changes what is in the entries of a zip file, or its bytes. */
final class ZipMutation {
    private static final int MOST_CHANGES = 4;
    private static final int MOST_BYTES = 12;

    private ZipMutation() {}

    /**
     * A copy with a few changes.
     *
     * @param checksums name of the entry with the checksums of the others, which is left out where entries change
     */
    static byte[] of(byte[] zip, String checksums, FuzzedDataProvider data) throws IOException {
        if (data.consumeInt(0, 4) == 0) {
            return bytes(zip, data);
        }
        Map<String, byte[]> entries = entries(zip);
        if (data.consumeInt(0, 9) > 0) {
            entries.remove(checksums);
        }
        int changes = data.consumeInt(1, 2);
        for (int i = 0; i < changes && !entries.isEmpty(); i++) {
            List<String> names = new ArrayList<>(entries.keySet());
            String name = names.get(data.consumeInt(0, names.size() - 1));
            byte[] content = entries.get(name);
            switch (data.consumeInt(0, 9)) {
                case 0 -> entries.remove(name);
                case 1 -> entries.put(data.pickValue(names), content);
                case 2 -> entries.put(name, bytes(content, data));
                default ->
                    entries.put(name, name.endsWith(".json") ? JsonMutation.of(content, data) : bytes(content, data));
            }
        }
        return zip(entries);
    }

    private static byte[] bytes(byte[] original, FuzzedDataProvider data) {
        byte[] bytes = original.clone();
        int changes = data.consumeInt(1, MOST_CHANGES);
        for (int i = 0; i < changes && bytes.length > 0; i++) {
            // Headers are at the beginning, a zip's directory is at the end.
            int near = data.consumeInt(0, Math.min(bytes.length, data.consumeBoolean() ? 128 : 1 << 16) - 1);
            int at = data.consumeBoolean() ? near : bytes.length - 1 - near;
            byte[] values = data.consumeBytes(data.consumeInt(1, MOST_BYTES));
            System.arraycopy(values, 0, bytes, at, Math.min(values.length, bytes.length - at));
        }
        int length = data.consumeInt(0, 5) == 0 ? data.consumeInt(0, bytes.length) : bytes.length;
        return Arrays.copyOf(bytes, length);
    }

    private static Map<String, byte[]> entries(byte[] zip) throws IOException {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(zip))) {
            for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                entries.put(entry.getName(), in.readAllBytes());
            }
        }
        return entries;
    }

    private static byte[] zip(Map<String, byte[]> entries) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                out.putNextEntry(new ZipEntry(entry.getKey()));
                out.write(entry.getValue());
                out.closeEntry();
            }
        }
        return bytes.toByteArray();
    }
}
