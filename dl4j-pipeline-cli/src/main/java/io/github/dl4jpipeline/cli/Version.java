package io.github.dl4jpipeline.cli;

import picocli.CommandLine.IVersionProvider;

/** Takes the version from the jar's manifest. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        String version = Version.class.getPackage().getImplementationVersion();
        return new String[] {"dl4j-pipeline " + (version == null ? "(development build)" : version)};
    }
}
