"""Back-pointers of live tokens: one record a token, its predecessor's number and the arc between.

Record 0 is the root. What all live tokens have in common is taken out of the tree and becomes the *settled* path, so
that the tree holds only what is still open. Sources are older than their successors.
"""

import numpy as np

from hybridseq.kernels.beam.numba_cpu.counts import ACTIVE, RECORDS, SETTLED
from hybridseq.kernels.simd import kernel


@kernel
def longer(array, size):
    """A copy with room for ``size`` elements."""
    grown = np.empty(size, array.dtype)
    # A loop: assigning a slice takes Numba seconds to compile.
    for i in range(array.size):
        grown[i] = array[i]
    return grown


@kernel
def compact(active_records, previous, arcs, settled, counts):
    """Drop records that no live token goes back to, and move the path that all share to ``settled``, which may grow."""
    size = counts[RECORDS]
    place = np.full(size, -1, np.int32)
    children = np.zeros(size, np.int32)
    place[0] = 0
    for i in range(counts[ACTIVE]):
        r = active_records[i]
        # A token's own record stays open even with one successor.
        children[r] += 2
        while place[r] < 0:
            place[r] = 0
            r = previous[r]
            children[r] += 1
    root = 0
    for r in range(1, size):
        if children[root] != 1:
            break
        if place[r] == 0:
            if counts[SETTLED] == settled.size:
                settled = longer(settled, 2 * settled.size)
            settled[counts[SETTLED]] = arcs[r]
            counts[SETTLED] += 1
            root = r
    place[root] = 0
    used = 1
    for r in range(root + 1, size):
        if place[r] == 0:
            previous[used] = place[previous[r]]
            arcs[used] = arcs[r]
            place[r] = used
            used += 1
    for i in range(counts[ACTIVE]):
        active_records[i] = place[active_records[i]]
    counts[RECORDS] = used
    return settled


@kernel
def trace(record, previous, arcs):
    """Arcs from the root to a record, in their order."""
    length = 0
    r = record
    while r > 0:
        length += 1
        r = previous[r]
    path = np.empty(length, np.int32)
    r = record
    while r > 0:
        length -= 1
        path[length] = arcs[r]
        r = previous[r]
    return path
