package io.github.dl4jpipeline.report;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import org.deeplearning4j.nn.graph.ComputationGraph;

/** Which versions run: those of the jars. Classes that are in none have no version. */
final class Versions {
    private static final String UNKNOWN = "of unknown version";

    private Versions() {}

    static String ofDeeplearning4j() {
        return ofJar(ComputationGraph.class, "org.deeplearning4j/deeplearning4j-nn");
    }

    static String ofPipeline() {
        return ofJar(Versions.class, "io.github.dl4jpipeline/dl4j-pipeline-core");
    }

    private static String ofJar(Class<?> member, String groupAndArtifact) {
        try (InputStream in = member.getResourceAsStream("/META-INF/maven/" + groupAndArtifact + "/pom.properties")) {
            if (in == null) {
                return UNKNOWN;
            }
            Properties properties = new Properties();
            properties.load(in);
            return properties.getProperty("version", UNKNOWN);
        } catch (IOException e) {
            return UNKNOWN;
        }
    }
}
