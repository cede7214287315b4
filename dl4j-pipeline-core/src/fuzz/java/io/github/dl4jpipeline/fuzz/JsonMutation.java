package io.github.dl4jpipeline.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Changes values somewhere in JSON. */
final class JsonMutation {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int MOST_CHANGES = 4;

    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "0",
            "1",
            "2",
            "-1",
            "0.5",
            "1e-300",
            "1e308",
            "1e400",
            "-0.0",
            "1e12",
            "1e-6",
            "1000000",
            "2147483647",
            "2147483648",
            "9223372036854775807",
            "9223372036854775808",
            "16384",
            "65536",
            "\"\"",
            "\" \"",
            "\"NaN\"",
            "\"Infinity\"",
            "\"in\"",
            "\"c1\"",
            "\"p1\"",
            "\"out\"",
            "\"1\"",
            "[]",
            "{}",
            "[null]",
            "[[]]",
            "[0]",
            "[\"in\"]",
            "[1, 1]");

    private JsonMutation() {}

    /** A copy of a document with a few changes; as it is if it is no JSON. */
    static byte[] of(byte[] document, FuzzedDataProvider data) throws IOException {
        JsonNode root;
        try {
            root = JSON.readTree(document);
        } catch (IOException e) {
            return document;
        }
        int changes = data.consumeInt(1, MOST_CHANGES);
        for (int i = 0; i < changes; i++) {
            change(root, data);
        }
        return JSON.writeValueAsBytes(root);
    }

    private static void change(JsonNode root, FuzzedDataProvider data) throws IOException {
        List<JsonNode> containers = new ArrayList<>();
        collect(root, containers);
        if (containers.isEmpty()) {
            return;
        }
        JsonNode parent = containers.get(data.consumeInt(0, containers.size() - 1));
        if (parent.isEmpty()) {
            return;
        }
        int at = data.consumeInt(0, parent.size() - 1);
        JsonNode other = data.consumeBoolean()
                ? JSON.readTree(VALUES.get(data.consumeInt(0, VALUES.size() - 1)))
                : child(containers.get(data.consumeInt(0, containers.size() - 1)), data);
        int kind = data.consumeInt(0, 5);
        if (parent instanceof ArrayNode array) {
            switch (kind) {
                case 0 -> array.remove(at);
                case 1 ->
                    array.insert(
                            at, array.get(data.consumeInt(0, array.size() - 1)).deepCopy());
                case 2 -> array.insert(at, other);
                default -> array.set(at, other);
            }
        } else if (parent instanceof ObjectNode object) {
            String name = new ArrayList<>(object.properties()).get(at).getKey();
            switch (kind) {
                case 0 -> object.remove(name);
                case 1 -> object.set(data.consumeAsciiString(3), other);
                default -> object.set(name, other);
            }
        }
    }

    private static JsonNode child(JsonNode container, FuzzedDataProvider data) {
        return container.isEmpty()
                ? container.deepCopy()
                : new ArrayList<>(List.copyOf(iterate(container)))
                        .get(data.consumeInt(0, container.size() - 1))
                        .deepCopy();
    }

    private static List<JsonNode> iterate(JsonNode container) {
        List<JsonNode> all = new ArrayList<>();
        container.forEach(all::add);
        return all;
    }

    private static void collect(JsonNode node, List<JsonNode> containers) {
        if (node.isContainerNode()) {
            containers.add(node);
            node.forEach(child -> collect(child, containers));
        }
    }
}
