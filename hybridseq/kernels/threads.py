"""Rows of a batch shared out over a thread pool of our own.

Numba's own parallel layers abort on concurrent calls (workqueue) or after a fork (GNU OpenMP). Kernels here release
the GIL and run on plain threads instead; the pool is made on first use, and anew in a forked child.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

# Below this many elementary steps a second thread costs more than it saves (about 40 microseconds).
MIN_WORK = 150_000

_pools = {}


def _forget_pools():
    _pools.clear()


os.register_at_fork(after_in_child=_forget_pools)


def _pool(workers):
    pool = _pools.get(workers)
    if pool is None:
        pool = _pools.setdefault(workers, ThreadPoolExecutor(workers, thread_name_prefix="hybridseq"))
    return pool


def share_rows(lengths, work_per_position, rows_per_block):
    """Row numbers for each thread, longest rows first, in whole blocks of neighbours of similar length.

    At most ``torch.get_num_threads()`` parts; a single one where the work is too little to share.
    """
    order = np.argsort(-lengths, kind="stable")
    threads = torch.get_num_threads()
    if threads > 1 and len(lengths) > 1 and int(lengths.sum()) * work_per_position >= MIN_WORK:
        block = min(rows_per_block, -(-len(order) // threads))
        blocks = [order[i : i + block] for i in range(0, len(order), block)]
        return [np.concatenate(blocks[i::threads]) for i in range(min(threads, len(blocks)))]
    return [order]


def run(kernel, parts, *arguments):
    """Call ``kernel(number, part, *arguments)`` for every part, the first of them on the calling thread."""
    others = []
    if len(parts) > 1:
        pool = _pool(len(parts) - 1)
        others = [pool.submit(kernel, i, parts[i], *arguments) for i in range(1, len(parts))]
    kernel(0, parts[0], *arguments)
    for other in others:
        other.result()
