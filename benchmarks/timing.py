"""Side-by-side timing: both contenders in turn, so that what disturbs one disturbs the other."""

import statistics
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """How many times faster ``ours`` is: median over rounds, with the lowest and highest round."""

    ours: float
    peer: float
    median: float
    low: float
    high: float


def _seconds(call, repeats):
    begin = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begin) / repeats


def compare(ours, peer, rounds=7, budget=0.15):
    """Time ``ours()`` and ``peer()`` in alternation for ``rounds`` rounds of about ``budget`` seconds each."""
    repeats = []
    for call in (ours, peer):
        call()
        once = min(_seconds(call, 1) for _ in range(3))
        repeats.append(max(1, int(budget / once)))
    mine, theirs = [], []
    for _ in range(rounds):
        mine.append(_seconds(ours, repeats[0]))
        theirs.append(_seconds(peer, repeats[1]))
    ratios = [b / a for a, b in zip(mine, theirs)]
    return Ratio(
        statistics.median(mine), statistics.median(theirs), statistics.median(ratios), min(ratios), max(ratios)
    )
