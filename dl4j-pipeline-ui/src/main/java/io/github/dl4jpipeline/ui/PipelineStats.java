package io.github.dl4jpipeline.ui;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.deeplearning4j.core.storage.Persistable;

/**
 * What a {@link PipelineStatsListener} stores: JSON, under the session of a run. It is public, with a constructor without arguments,
 * because a storage or a remote server makes it by its name.
 */
public final class PipelineStats implements Persistable {
    /** Under which a storage keeps it. */
    public static final String TYPE = "PipelineStats";

    private static final long serialVersionUID = 1;
    private static final int MOST_BYTES = 1 << 24;

    private String session = "";
    private String worker = "";
    private long millis;
    private String json = "{}";

    /** An empty one, to be decoded. */
    public PipelineStats() {}

    PipelineStats(String session, String worker, long millis, String json) {
        this.session = session;
        this.worker = worker;
        this.millis = millis;
        this.json = json;
    }

    String json() {
        return json;
    }

    @Override
    public String getSessionID() {
        return session;
    }

    @Override
    public String getTypeID() {
        return TYPE;
    }

    @Override
    public String getWorkerID() {
        return worker;
    }

    @Override
    public long getTimeStamp() {
        return millis;
    }

    @Override
    public int encodingLengthBytes() {
        return encode().length;
    }

    @Override
    public byte[] encode() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            encode(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    @Override
    public void encode(ByteBuffer buffer) {
        buffer.put(encode());
    }

    @Override
    public void encode(OutputStream stream) throws IOException {
        DataOutputStream out = new DataOutputStream(stream);
        out.writeUTF(session);
        out.writeUTF(worker);
        out.writeLong(millis);
        byte[] content = json.getBytes(StandardCharsets.UTF_8);
        out.writeInt(content.length);
        out.write(content);
        out.flush();
    }

    @Override
    public void decode(byte[] bytes) {
        try {
            decode(new ByteArrayInputStream(bytes));
        } catch (IOException e) {
            throw new UncheckedIOException("These bytes are no statistics of a pipeline: " + e.getMessage(), e);
        }
    }

    @Override
    public void decode(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        decode(bytes);
    }

    @Override
    public void decode(InputStream stream) throws IOException {
        DataInputStream in = new DataInputStream(stream);
        String readSession = in.readUTF();
        String readWorker = in.readUTF();
        long readMillis = in.readLong();
        int length = in.readInt();
        if (length < 0 || length > MOST_BYTES) {
            throw new IOException("the content has " + length + " bytes, but 0 to " + MOST_BYTES + " are possible");
        }
        byte[] content = in.readNBytes(length);
        if (content.length < length) {
            throw new IOException("the content ends after " + content.length + " of " + length + " bytes");
        }
        session = readSession;
        worker = readWorker;
        millis = readMillis;
        json = new String(content, StandardCharsets.UTF_8);
    }
}
