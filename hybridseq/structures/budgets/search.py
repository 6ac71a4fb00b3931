"""The best label sequence within budgets: the cheapest method that proves it."""

import numpy as np
import torch

from hybridseq.structures import checks
from hybridseq.structures.budgets import labelling, lagrangian, program
from hybridseq.structures.budgets.arcs import paths_of, useful
from hybridseq.structures.budgets.solution import GAP, Solution
from hybridseq.structures.budgets.state import State
from hybridseq.structures.budgets.sums import Sums

METHODS = "auto", "lagrangian", "milp"


def _decode(state):
    """The best sequence without budgets: a bound, and the answer where it stays within them."""
    labels = state.structure.decode().cpu().numpy()
    state.bound = state.offer(labels)
    if state.sums.empty:
        state.bound[:] = -np.inf


def _row_by_row(state, method):
    """What the batch left open: labelling, then mixed-integer programs. Rows share the time that is left."""
    path_of = paths_of(state.structure)
    rows = np.flatnonzero(state.open).tolist()
    for i, row in enumerate(rows):
        with state.share(len(rows) - i):
            paths = path_of(row)
            if method == "auto":
                labelling.improve(state, row, paths)
            if state.open[row] and not state.late:
                _program(state, row, paths, refuse=method == "milp")


def _program(state, row, paths, refuse):
    """A mixed-integer program over the arcs that bounds leave."""
    # A path through an arc scores no more than the multipliers' bound for it.
    multipliers = state.multipliers[row]
    least = state.score[row] - GAP * max(1, abs(state.score[row])) + state.sums.penalty(multipliers)
    first, arcs = useful(paths.augmented(multipliers @ state.sums.coefficients), least)
    try:
        answer = program.solve(paths, state.sums, first, arcs, state.left)
    except program.ProgramTooLargeError:
        if refuse:
            raise
        return
    state.backend[row] = "milp"
    if answer.labels is not None:
        state.offer_one(row, answer.labels)
    state.lower_one(row, answer.bound)


@torch.no_grad()
def solve(structure, coefficients, low, high, method="auto", time_limit=None) -> Solution:
    """The best label sequences whose sums of coefficients stay within bounds.

    Parameters
    ----------
    structure : LinearChain or RestrictedChain
        The scores; never changed.
    coefficients : (R, K) array or tensor
        What a position with each label adds to each of R sums.
    low, high : (R,) arrays or tensors
        Bounds of the sums, both ends included; −inf or inf where there is none.
    method : {"auto", "lagrangian", "milp"}
        "auto": plain decoding; Lagrangian bounds; then, for rows that stay open, dynamic programming over the sums
        that these bounds leave, and mixed-integer programming. "lagrangian" and "milp": only that after decoding.
    time_limit : float, optional
        Seconds for the whole batch; when they are over, rows may stay unproven.

    Returns
    -------
    Solution
        With ``exact`` and ``bound`` for each row.

    Raises
    ------
    ShapeError, TypeError, ValueError
        Where an argument has a wrong form, or, with method="milp", a program is too large for memory.

    Notes
    -----
    Decimals with a common denominator up to 10⁶ are summed exactly, other numbers up to 1e-9 times one more than the
    sum of the coefficients' sizes.
    Whatever a method answers is tested and scored again by the structure itself; a score counts as proven within 1e-9
    of its size. A round of the Lagrangian bounds is one decode of the batch. Mixed-integer programs are solved by
    HiGHS, row by row, and may take time that grows exponentially.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {list(METHODS)}; got {method!r}.")
    state = State(structure.double(), Sums(*checks.budgets(coefficients, low, high, structure.num_labels)), time_limit)
    _decode(state)
    if method != "milp" and state.open.any():
        lagrangian.descend(state)
        lagrangian.rank(state)
    if method != "lagrangian" and state.open.any():
        _row_by_row(state, method)
    return state.solution()
