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


@kernel
def fewest_frames(labels, emitting, silent, start, end):
    """The fewest frames of any path from start to end; −1: there is none. Breadth first, frame by frame."""
    states = labels.size
    seen = np.zeros(states, np.bool_)
    now, following = np.empty(states, np.int32), np.empty(states, np.int32)
    now[0], size, frames = start, 1, 0
    seen[start] = True
    while size > 0:
        i = 0
        while i < size:
            s = now[i]
            i += 1
            if s == end:
                return frames
            for a in range(silent[0][s], silent[0][s + 1]):
                v = silent[1][a]
                if not seen[v]:
                    seen[v] = True
                    now[size] = v
                    size += 1
        count = 0
        for i in range(size):
            for a in range(emitting[0][now[i]], emitting[0][now[i] + 1]):
                v = emitting[1][a]
                if not seen[v]:
                    seen[v] = True
                    following[count] = v
                    count += 1
        now, following = following, now
        size = count
        frames += 1
    return -1
