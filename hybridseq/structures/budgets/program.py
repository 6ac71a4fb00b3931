"""The best path within budgets as a mixed-integer program: one unit of flow from a first state to a last one."""

from dataclasses import dataclass

import numpy as np

#: The most arcs of a program: HiGHS needs about 2 kB for each.
LARGEST = 300_000


class ProgramTooLargeError(ValueError):
    """A row's program has more arcs than memory allows."""


@dataclass(frozen=True)
class Answer:
    """A path as labels (L,), None where none was found; and a bound on all paths, −inf where there is none."""

    labels: np.ndarray | None
    bound: float


def _columns(paths, first, arcs):
    """The flow's columns: position, source node, target node and label of each; node −1 is the outside."""
    count = len(paths.labels)
    begin = np.flatnonzero(first)
    t, a = np.nonzero(arcs)
    source, target = t * count + paths.source[a], (t + 1) * count + paths.target[a]
    last = (paths.steps - 1) * count
    ending = np.flatnonzero(paths.final > -np.inf)
    reached = np.concatenate([begin, target])
    ending = ending[np.isin(last + ending, reached)]
    return (
        np.concatenate([np.full(len(begin), -1), source, last + ending]),
        np.concatenate([begin, target, np.full(len(ending), -1)]),
        (begin, t, a, ending),
    )


def _scores(paths, chosen, potential):
    """Scores of the columns below the best path's: all at most 0, and 0 along that one."""
    begin, t, a, ending = chosen
    source, target = paths.source[a], paths.target[a]
    steps = paths.moves[np.zeros_like(t) if len(paths.moves) == 1 else t, a]
    best = (paths.initial + paths.emissions[0] + potential[0])[begin].max()
    first = (paths.initial + paths.emissions[0] + potential[0])[begin] - best
    onward = steps + paths.emissions[t + 1, target] + potential[t + 1, target] - potential[t, source]
    return best, np.concatenate([first, onward, np.zeros(len(ending))])


def solve(paths, sums, first, arcs, time_limit=None):
    """The best path over the given first states (S,) and arcs (L-1, A) whose sums stay within their bounds."""
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    if not first.any() or (paths.steps > 1 and not arcs.any(1).all()):
        return Answer(None, -np.inf)
    source, target, chosen = _columns(paths, first, arcs)
    if len(source) > LARGEST:
        raise ProgramTooLargeError(
            f"the budgets of a row of length {paths.steps} need a program of {len(source)} arcs, more than {LARGEST}. "
            "Use method='lagrangian' (bounds, not always proven), shorter rows, or a tighter constraint beside them."
        )
    best, scores = _scores(paths, chosen, paths.backward())
    nodes, used = np.unique(np.concatenate([source, target]), return_inverse=True)
    count, columns = len(nodes), np.arange(len(source))
    # Row of the outside (−1): one unit leaves it; elsewhere what comes in goes out.
    flow = sparse.csr_array(
        (
            np.concatenate([np.ones(len(source)), -np.ones(len(target))]),
            (np.concatenate([used[: len(source)], used[len(source) :]]), np.concatenate([columns, columns])),
        ),
        shape=(count, len(source)),
    )
    outside = nodes == -1
    starting = sparse.csr_array((source == -1).astype(float)[None])
    begin, _, a, ending = chosen
    labels = np.concatenate([paths.labels[begin], paths.labels[paths.target[a]]])
    weights = np.hstack([sums.coefficients[:, labels], np.zeros((len(sums.low), len(ending)))])
    constraints = [
        LinearConstraint(flow[~outside], 0, 0),
        LinearConstraint(starting, 1, 1),
        LinearConstraint(sparse.csr_array(weights), sums.low, sums.high),
    ]
    # HiGHS stops at a gap of 1e-6 in its own unit.
    unit = 1e4 / max(1.0, np.abs(scores).max())
    options = {"mip_rel_gap": 0.0} | ({} if time_limit is None else {"time_limit": max(time_limit, 1e-3)})
    found = milp(
        -scores * unit, integrality=np.ones(len(source)), bounds=Bounds(0, 1), constraints=constraints, options=options
    )
    if found.status == 2:
        return Answer(None, -np.inf)
    bound = np.inf if found.mip_dual_bound is None else best - found.mip_dual_bound / unit
    return Answer(None if found.x is None else _follow(paths, found.x, chosen), bound)


def _follow(paths, flow, chosen):
    """The labels along a unit of flow; None where it is not a path."""
    begin, t, a, _ = chosen
    on = flow > 0.5
    if np.abs(flow - on).max() > 1e-4:
        return None
    first, step = on[: len(begin)], on[len(begin) : len(begin) + len(t)]
    if first.sum() != 1 or not np.array_equal(np.sort(t[step]), np.arange(paths.steps - 1)):
        return None
    order = np.argsort(t[step], kind="stable")
    arcs = a[step][order]
    states = np.concatenate([begin[first], paths.target[arcs]])
    return paths.labels[states] if np.array_equal(paths.source[arcs], states[:-1]) else None
