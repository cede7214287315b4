package io.github.dl4jpipeline.internal.partition;

import java.util.ArrayList;
import java.util.List;

/** Numbers the ways to use some devices of each group, from none, which is 0, to all. */
final class DeviceUses {
    private final int[] counts;
    private final int[] weights;
    private final int count;

    /** By use: how many of each group, and in all. */
    private final int[][] used;

    private final int[] totals;

    DeviceUses(List<DeviceGroup> groups) {
        counts = groups.stream().mapToInt(DeviceGroup::count).toArray();
        weights = new int[counts.length];
        int product = 1;
        for (int group = 0; group < counts.length; group++) {
            weights[group] = product;
            product *= counts[group] + 1;
        }
        count = product;
        used = new int[count][counts.length];
        totals = new int[count];
        for (int use = 0; use < count; use++) {
            for (int group = 0; group < counts.length; group++) {
                used[use][group] = use / weights[group] % (counts[group] + 1);
                totals[use] += used[use][group];
            }
        }
    }

    int count() {
        return count;
    }

    /** How many devices are used. */
    int total(int use) {
        return totals[use];
    }

    /** Whether a group has so many devices that are not used. */
    boolean hasLeft(int use, int group, int devices) {
        return used[use][group] + devices <= counts[group];
    }

    int more(int use, int group, int devices) {
        return use + devices * weights[group];
    }

    int less(int use, int group, int devices) {
        return use - devices * weights[group];
    }

    int index(List<Integer> use) {
        int index = 0;
        for (int group = 0; group < counts.length; group++) {
            index += use.get(group) * weights[group];
        }
        return index;
    }

    List<List<Integer>> all() {
        List<List<Integer>> all = new ArrayList<>();
        for (int use = 1; use < count; use++) {
            List<Integer> ofGroups = new ArrayList<>();
            for (int group = 0; group < counts.length; group++) {
                ofGroups.add(used[use][group]);
            }
            all.add(ofGroups);
        }
        return all;
    }
}
