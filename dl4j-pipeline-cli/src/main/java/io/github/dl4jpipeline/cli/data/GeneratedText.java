package io.github.dl4jpipeline.cli.data;

import java.util.Random;

/** Sentences from a small grammar, for trying a network without any file. */
public final class GeneratedText {
    /** What the data are called wherever they are reported. */
    public static final String NAME = GeneratedImages.NAME;

    private static final int CHARACTERS = 60_000;
    private static final String[] ARTICLES = {"the", "a", "every", "no", "this"};
    private static final String[] ADJECTIVES = {"quick", "old", "grey", "lazy", "small", "exact", "jumping", "wise"};
    private static final String[] NOUNS = {"fox", "dog", "pipeline", "stage", "zebra", "writer", "box", "queen"};
    private static final String[] VERBS = {"sees", "follows", "makes", "forgets", "jumps over", "waits for", "asks"};

    private GeneratedText() {}

    /** A text of about 60,000 characters, the same for the same seed. */
    public static TextData data(long seed) {
        return TextData.of(NAME, "The generated text", text(seed));
    }

    private static String text(long seed) {
        Random random = new Random(seed);
        StringBuilder text = new StringBuilder();
        while (text.length() < CHARACTERS) {
            int begin = text.length();
            phrase(text, random);
            text.append(one(VERBS, random)).append(' ');
            phrase(text, random);
            text.setCharAt(begin, Character.toUpperCase(text.charAt(begin)));
            text.setCharAt(text.length() - 1, random.nextInt(5) == 0 ? '?' : '.');
            text.append(random.nextInt(6) == 0 ? '\n' : ' ');
        }
        return text.toString();
    }

    private static void phrase(StringBuilder text, Random random) {
        text.append(one(ARTICLES, random)).append(' ');
        if (random.nextBoolean()) {
            text.append(one(ADJECTIVES, random)).append(' ');
        }
        text.append(one(NOUNS, random)).append(' ');
    }

    private static String one(String[] words, Random random) {
        return words[random.nextInt(words.length)];
    }
}
