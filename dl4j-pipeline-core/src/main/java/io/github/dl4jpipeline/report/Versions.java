package io.github.dl4jpipeline.report;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import org.nd4j.versioncheck.VersionCheck;

/** Which versions run. */
final class Versions {
    private static final String UNKNOWN = "of unknown version";
    private static final String OURS = "/META-INF/maven/io.github.dl4jpipeline/dl4j-pipeline-core/pom.properties";

    private Versions() {}

    static String ofDeeplearning4j() {
        return VersionCheck.getVersionInfos().stream()
                .filter(found -> "deeplearning4j-nn".equals(found.getArtifactId()))
                .map(found -> found.getBuildVersion())
                .findFirst()
                .orElse(UNKNOWN);
    }

    /** That of the jar; classes that are in none have no version. */
    static String ofPipeline() {
        try (InputStream in = Versions.class.getResourceAsStream(OURS)) {
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
