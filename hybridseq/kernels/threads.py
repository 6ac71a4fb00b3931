"""Rows of a batch shared out over threads of our own.

Numba's own parallel layers abort on concurrent calls (workqueue) or after a fork (GNU OpenMP). Kernels here release
the GIL and run on plain threads instead. Threads start on first use, and anew in a forked child; several callers may
use them at once.
"""

import os
import threading
from contextlib import contextmanager
from queue import SimpleQueue

import numpy as np
import torch

# Waking a second thread and hearing from it again costs about as much as this many nanoseconds of work.
WAKE = 60_000

_queue = SimpleQueue()
_started = []
_starting = threading.Lock()
_calls = threading.local()


class _Task:
    """A kernel call for another thread; ``wait`` returns when it is done and raises what it raised."""

    __slots__ = ("call", "done", "error")

    def __init__(self, kernel, *arguments):
        self.call = kernel, arguments
        self.error = None
        self.done = threading.Lock()
        self.done.acquire()

    def run(self):
        kernel, arguments = self.call
        try:
            kernel(*arguments)
        except BaseException as error:
            self.error = error
        self.done.release()

    def wait(self):
        self.done.acquire()
        if self.error is not None:
            raise self.error


def _serve(queue):
    while True:
        queue.get().run()


def _start(count):
    with _starting:
        while len(_started) < count:
            name = f"hybridseq-{len(_started)}"
            _started.append(threading.Thread(target=_serve, args=(_queue,), name=name, daemon=True))
            _started[-1].start()


def _after_fork():
    global _queue, _starting
    _queue, _starting = SimpleQueue(), threading.Lock()
    _started.clear()


os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def alone():
    """Within, calls of this thread share nothing out: for callers that share out larger work themselves."""
    before = getattr(_calls, "alone", False)
    _calls.alone = True
    try:
        yield
    finally:
        _calls.alone = before


def count(rows):
    """The most threads that ``rows`` rows can be shared among."""
    return 1 if getattr(_calls, "alone", False) else max(1, min(torch.get_num_threads(), rows))


def share_rows(lengths, nanoseconds, rows_per_block):
    """Row numbers for each thread, longest rows first within a thread.

    ``nanoseconds`` estimates the work of a position. At most ``torch.get_num_threads()`` parts; fewer where waking a
    thread costs more than it saves. The calling thread, which starts at once, takes the first and larger part.
    """
    order = (-lengths).argsort(kind="stable")
    threads = count(len(lengths))
    if threads > 1:
        threads = min(threads, int(lengths.sum() * nanoseconds // (2 * WAKE)) + 1)
    if threads == 1:
        return [order]
    # Whole tiles of 4 rows where there are enough; else an equal share.
    size = min(rows_per_block, max(4, len(order) // (2 * threads)), -(-len(order) // threads))
    blocks = [order[i : i + size] for i in range(0, len(order), size)]
    parts, load = [[] for _ in range(threads)], [0.0] + [WAKE / nanoseconds] * (threads - 1)
    for block in blocks:
        least = load.index(min(load))
        parts[least].append(block)
        load[least] += float(lengths[block].sum())
    return [np.concatenate(part) for part in parts if part]


def run(kernel, parts, *arguments):
    """Call ``kernel(number, part, *arguments)`` for every part, the first of them on the calling thread."""
    if len(parts) > 1:
        if len(_started) < len(parts) - 1:
            _start(len(parts) - 1)
        tasks = [_Task(kernel, i, parts[i], *arguments) for i in range(1, len(parts))]
        for task in tasks:
            _queue.put(task)
        kernel(0, parts[0], *arguments)
        for task in tasks:
            task.wait()
    else:
        kernel(0, parts[0], *arguments)
