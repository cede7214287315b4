package io.github.dl4jpipeline.cli.model;

import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.function.Predicate;

/** The names of networks that a command takes, for its help and for completion. */
public abstract class ModelNames implements Iterable<String> {
    private final List<String> names;

    private ModelNames(Predicate<ModelShape> wanted) {
        names = Arrays.stream(ExampleModel.values())
                .filter(model -> wanted.test(model.shape()))
                .map(ExampleModel::title)
                .toList();
    }

    @Override
    public Iterator<String> iterator() {
        return names.iterator();
    }

    /** All. */
    public static final class All extends ModelNames {
        public All() {
            super(shape -> true);
        }
    }

    /** Those for images of any size. */
    public static final class Images extends ModelNames {
        public Images() {
            super(ImageSize.class::isInstance);
        }
    }

    /** Those for images of 3x32x32. */
    public static final class Cifar extends ModelNames {
        public Cifar() {
            super(ImageSize.CIFAR::equals);
        }
    }
}
