package io.github.dl4jpipeline;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.CompositeArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import io.github.dl4jpipeline.partition.Stage;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;

/**
 * The rooms of the code in reading order: each imports only those above it. A room is a package that users see, or one under
 * {@code internal} that they do not, or both.
 */
@AnalyzeClasses(packages = "io.github.dl4jpipeline", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String BASE = "io.github.dl4jpipeline";
    private static final String INTERNAL = BASE + ".internal";
    private static final List<String> ORDER = List.of(
            "exception",
            "device",
            "file",
            "graph",
            "tile",
            "onednn",
            "layers",
            "engine",
            "stage",
            "tiling",
            "profile",
            "schedule",
            "partition",
            "plan",
            "update",
            "memory",
            "execute",
            "inference",
            "branch",
            "report",
            "");

    @ArchTest
    static final ArchRule roomsImportOnlyThoseAbove = roomOrder();

    @ArchTest
    static void everyClassIsInARoom(JavaClasses classes) {
        List<String> rooms =
                ORDER.stream().flatMap(room -> Stream.of(packages(room))).toList();
        Assertions.assertThat(classes.stream().map(JavaClass::getPackageName).collect(Collectors.toSet()))
                .isSubsetOf(rooms);
    }

    /** So that what is added to a stage concerns no class that does not know it. */
    @ArchTest
    static final ArchRule onlyStagesCallTheConstructorOfStage = noClasses()
            .that()
            .doNotBelongToAnyOf(Stage.class)
            .should()
            .callConstructorWhere(JavaCall.Predicates.target(owner(type(Stage.class))));

    @ArchTest
    static final ArchRule noCudaClasses =
            noClasses().should().dependOnClassesThat().resideInAPackage("org.nd4j.linalg.jcublas..");

    @ArchTest
    static final ArchRule noCpuBackendClassesOutsideOfLayers = noClasses()
            .that()
            .resideOutsideOfPackage(INTERNAL + ".layers")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.nd4j.linalg.cpu..");

    @ArchTest
    static final ArchRule tilePartitionAndScheduleArePureNumbers = noClasses()
            .that()
            .resideInAnyPackage(Stream.of("tile", "partition", "schedule")
                    .flatMap(room -> Stream.of(packages(room)))
                    .toArray(String[]::new))
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.nd4j..", "org.deeplearning4j..");

    /** But for a type with its builder, its files, its drawing or its parts. */
    @ArchTest
    static final ArchRule noCirclesOfClasses = slices().assignedFrom(new ByTopLevelClass())
            .should()
            .beFreeOfCycles()
            .ignoreDependency(named("PipelineBuilder"), named("PipelineComputationGraph"))
            .ignoreDependency(named("StepListener"), named("PipelineComputationGraph"))
            .ignoreDependency(named("profile.ProfileFile"), named("profile.GraphProfile"))
            .ignoreDependency(named("profile.VertexJson"), named("profile.VertexCost"))
            .ignoreDependency(named("profile.PipeDreamReader"), named("profile.GraphProfile"))
            .ignoreDependency(named("partition.PlanJson"), named("partition.PartitionPlan"))
            .ignoreDependency(named("partition.PlanTable"), named("partition.PartitionPlan"))
            .ignoreDependency(named("report.HtmlReport"), named("report.PipelineReport"))
            .ignoreDependency(named("report.ReportText"), named("report.PipelineReport"))
            .ignoreDependency(named("tile.TileTask"), named("tile.TileGeometry"))
            .ignoreDependency(named("tile.TileableMaps"), named("tile.TileGeometry"));

    private static final class ByTopLevelClass implements SliceAssignment {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass type) {
            return SliceIdentifier.of(topLevel(type));
        }

        @Override
        public String getDescription() {
            return "classes";
        }
    }

    private static DescribedPredicate<JavaClass> named(String name) {
        return DescribedPredicate.describe(name, type -> topLevel(type).equals(BASE + "." + name));
    }

    private static String topLevel(JavaClass type) {
        return type.getName().replaceFirst("\\$.*", "");
    }

    /** What a user can call, extend or catch needs nothing that only this project may use. */
    @ArchTest
    static void signaturesForUsersNameNoInternalType(JavaClasses classes) {
        Set<String> found = new TreeSet<>();
        for (JavaClass type : classes) {
            if (isForUsers(type)) {
                Stream<JavaClass> supertypes =
                        Stream.concat(type.getRawSuperclass().stream(), type.getRawInterfaces().stream());
                add(found, type.getName(), supertypes);
                type.getMethods().stream()
                        .filter(method -> isForUsers(method.getModifiers()) && !isBridge(method.getModifiers()))
                        .forEach(method -> add(found, method.getFullName(), method.getAllInvolvedRawTypes().stream()));
                type.getConstructors().stream()
                        .filter(constructor -> isForUsers(constructor.getModifiers()))
                        .forEach(constructor ->
                                add(found, constructor.getFullName(), constructor.getAllInvolvedRawTypes().stream()));
                type.getFields().stream()
                        .filter(field -> isForUsers(field.getModifiers()))
                        .forEach(field -> add(found, field.getFullName(), field.getAllInvolvedRawTypes().stream()));
            }
        }
        Assertions.assertThat(found).isEmpty();
    }

    private static void add(Set<String> found, String where, Stream<JavaClass> types) {
        types.map(JavaClass::getBaseComponentType)
                .filter(type -> type.getPackageName().startsWith(INTERNAL))
                .forEach(type -> found.add(where + " names " + type.getName()));
    }

    private static boolean isForUsers(JavaClass type) {
        return !type.getPackageName().startsWith(INTERNAL)
                && Modifier.isPublic(type.reflect().getModifiers())
                && type.getEnclosingClass().map(ArchitectureTest::isForUsers).orElse(true);
    }

    private static boolean isForUsers(Set<JavaModifier> modifiers) {
        return modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED);
    }

    private static boolean isBridge(Set<JavaModifier> modifiers) {
        return modifiers.contains(JavaModifier.BRIDGE) || modifiers.contains(JavaModifier.SYNTHETIC);
    }

    private static ArchRule roomOrder() {
        List<ArchRule> rules = new ArrayList<>();
        for (int i = 0; i < ORDER.size() - 1; i++) {
            String[] below = ORDER.subList(i + 1, ORDER.size()).stream()
                    .flatMap(room -> Stream.of(packages(room)))
                    .toArray(String[]::new);
            rules.add(noClasses()
                    .that()
                    .resideInAnyPackage(packages(ORDER.get(i)))
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(below)
                    .allowEmptyShould(true));
        }
        return CompositeArchRule.of(rules);
    }

    private static String[] packages(String room) {
        return room.isEmpty() ? new String[] {BASE} : new String[] {BASE + "." + room, INTERNAL + "." + room};
    }
}
