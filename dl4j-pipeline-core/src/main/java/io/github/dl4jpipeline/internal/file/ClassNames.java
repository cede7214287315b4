package io.github.dl4jpipeline.internal.file;

import io.github.dl4jpipeline.exception.ModelFileException;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.nd4j.shade.jackson.core.JsonFactory;
import org.nd4j.shade.jackson.core.JsonParser;
import org.nd4j.shade.jackson.core.JsonToken;
import org.nd4j.shade.jackson.core.json.JsonReadFeature;

/**
 * Which classes a configuration may name: Deeplearning4j's and ND4J's own, and those that the user has allowed. No
 * text may be the name of another class on the class path. Deeplearning4j's reader loads whatever class a
 * configuration names for a layer, an activation function and so on.
 */
final class ClassNames {
    /** System property with further classes that model files may name, and packages, which end in a dot; with commas. */
    static final String ALLOWED = "dl4jpipeline.model.classes";

    private static final List<String> OWN = List.of("org.deeplearning4j.", "org.nd4j.");
    private static final String SHADED = "org.nd4j.shade.";

    /** What parts a class name with type arguments: readers leave out whatever is no more than a blank. */
    private static final Pattern BETWEEN_NAMES = Pattern.compile("[<>,\\x00-\\x20]+");

    private static final Pattern NAME = Pattern.compile("\\[*[\\w$.]+;?", Pattern.UNICODE_CHARACTER_CLASS);

    /** The virtual machine remembers every name that is looked up. */
    private static final int MOST_NAMES = 100_000;

    /** Readers call themselves for each level. */
    private static final int DEEPEST = 100;

    private final Set<String> names = new LinkedHashSet<>();
    private final List<String> allowed = Arrays.stream(
                    System.getProperty(ALLOWED, "").split(","))
            .map(String::strip)
            .filter(name -> !name.isEmpty())
            .toList();

    private ClassNames() {}

    /**
     * Checks all texts of a configuration.
     *
     * @throws ModelFileException if one is the name of another class, or if it is nested too deep
     * @throws IOException if this is no JSON
     */
    static void check(String json) throws IOException {
        ClassNames names = new ClassNames();
        int depth = 0;
        try (JsonParser parser = JsonFactory.builder()
                .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                .build()
                .createParser(json)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token.isStructStart()) {
                    depth++;
                    if (depth > DEEPEST) {
                        throw new ModelFileException("it is nested deeper than " + DEEPEST + " levels");
                    }
                } else if (token.isStructEnd()) {
                    depth--;
                } else if (token == JsonToken.VALUE_STRING || token == JsonToken.FIELD_NAME) {
                    names.add(parser.getText());
                }
            }
        }
        names.names.forEach(ClassNames::requireNoClass);
    }

    private void add(String text) {
        BETWEEN_NAMES
                .splitAsStream(text)
                .filter(NAME.asMatchPredicate())
                .map(name -> name.startsWith("[") ? name.replaceAll("^\\[+L?|;$", "") : name)
                .filter(name -> !isAllowed(name))
                .forEach(names::add);
        if (names.size() > MOST_NAMES) {
            throw new ModelFileException(
                    "it has more than " + MOST_NAMES + " different texts that may be names of classes");
        }
    }

    private static void requireNoClass(String name) {
        if (isClass(name)) {
            throw new ModelFileException("it names the class " + name + ", which is not Deeplearning4j's; if you trust"
                    + " the file, allow the class with -D" + ALLOWED + "=" + name);
        }
    }

    private boolean isAllowed(String name) {
        return (OWN.stream().anyMatch(name::startsWith) && !name.startsWith(SHADED))
                || allowed.stream().anyMatch(own -> own.endsWith(".") ? name.startsWith(own) : name.equals(own));
    }

    /** Whether there is such a class; it is not initialised. */
    private static boolean isClass(String name) {
        try {
            ClassLoader loader = Thread.currentThread().getContextClassLoader();
            Class.forName(name, false, loader == null ? ClassNames.class.getClassLoader() : loader);
            return true;
        } catch (ClassNotFoundException | LinkageError e) {
            return false;
        }
    }
}
