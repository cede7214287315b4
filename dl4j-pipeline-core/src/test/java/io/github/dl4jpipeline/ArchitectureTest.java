package io.github.dl4jpipeline;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.CompositeArchRule;
import java.util.ArrayList;
import java.util.List;

/** The packages in reading order: each imports only those above it. */
@AnalyzeClasses(packages = "io.github.dl4jpipeline", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String BASE = "io.github.dl4jpipeline";
    private static final List<String> ORDER = List.of(
            "device",
            "file",
            "graph",
            "tile",
            "kernel",
            "profile",
            "partition",
            "schedule",
            "plan",
            "execute",
            "branch",
            "report",
            "");

    @ArchTest
    static final ArchRule packagesImportOnlyThoseAbove = packageOrder();

    @ArchTest
    static final ArchRule noCudaClasses =
            noClasses().should().dependOnClassesThat().resideInAPackage("org.nd4j.linalg.jcublas..");

    @ArchTest
    static final ArchRule noCpuBackendClassesOutsideOfKernel = noClasses()
            .that()
            .resideOutsideOfPackage(BASE + ".kernel..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.nd4j.linalg.cpu..");

    @ArchTest
    static final ArchRule tilePartitionAndScheduleArePureNumbers = noClasses()
            .that()
            .resideInAnyPackage(BASE + ".tile", BASE + ".partition", BASE + ".schedule")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.nd4j..", "org.deeplearning4j..");

    private static ArchRule packageOrder() {
        List<ArchRule> rules = new ArrayList<>();
        for (int i = 0; i < ORDER.size() - 1; i++) {
            String[] below = ORDER.subList(i + 1, ORDER.size()).stream()
                    .map(ArchitectureTest::name)
                    .toArray(String[]::new);
            rules.add(noClasses()
                    .that()
                    .resideInAPackage(name(ORDER.get(i)))
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(below));
        }
        return CompositeArchRule.of(rules);
    }

    private static String name(String part) {
        return part.isEmpty() ? BASE : BASE + "." + part;
    }
}
