package io.github.dl4jpipeline.internal.cluster;

import java.util.List;

/**
 * Who takes part: the workers as the plan counts them, and after the last of them the host.
 *
 * @param names of the workers for messages: stage, replica, machine
 */
record Members(List<String> names) {
    int host() {
        return names.size();
    }

    String name(int member) {
        return member == host() ? "the driver" : names.get(member);
    }
}
