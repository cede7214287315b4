package io.github.dl4jpipeline.internal.cluster;

import java.util.List;

/** Who takes part: the workers as the plan counts them, and after the last of them the host. */
record Members(List<WorkerName> workers) {
    int host() {
        return workers.size();
    }

    String name(int member) {
        return member == host() ? "the driver" : "worker " + member + ", " + workers.get(member);
    }
}
