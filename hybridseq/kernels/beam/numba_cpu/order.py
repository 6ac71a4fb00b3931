"""The order in which states that consume no frame are visited."""

import numpy as np

from hybridseq.kernels.simd import kernel


@kernel
def find_levels(labels, first, target):
    """Levels (S,) of states by Kahn's topological sort, and which states it reached: all, unless there is a cycle.

    ``first``, ``target``: the arcs to states that consume nothing.
    """
    states = labels.size
    waiting = np.zeros(states, np.int32)
    for s in range(states):
        if labels[s] < 0:
            for a in range(first[s], first[s + 1]):
                waiting[target[a]] += 1
    level = np.zeros(states, np.int32)
    ordered = labels >= 0
    queue = np.empty(states, np.int32)
    end = 0
    for s in range(states):
        if labels[s] < 0 and waiting[s] == 0:
            queue[end] = s
            end += 1
    place = 0
    while place < end:
        s = queue[place]
        place += 1
        ordered[s] = True
        for a in range(first[s], first[s + 1]):
            n = target[a]
            level[n] = max(level[n], level[s] + 1)
            waiting[n] -= 1
            if waiting[n] == 0:
                queue[end] = n
                end += 1
    return level, ordered
