"""Upper bounds from Lagrangian multipliers, and good sequences on the way.

For multipliers λ, max over y of (F(y) + λ·s(y)) − λ⁺·low + λ⁻·high bounds the score of every y whose sums s(y) stay
within the bounds; the inner problem is a decode with λ·coefficients in the emissions. The least bound is found by
cutting planes :cite:p:`kelley1960`, and where it leaves a gap, sequences are ranked from the bound downwards
:cite:p:`handler1980`.
"""

import numpy as np
import torch

ROUNDS, RANKED = 60, 50
GROWTH, LARGEST_BOX = 10.0, 1e9


def _augmented(state, multipliers):
    """The structure with λ·coefficients in its emissions."""
    emissions = state.structure.emissions
    cost = torch.from_numpy(multipliers @ state.sums.coefficients).to(emissions)
    return state.structure.augment(cost[:, None].expand(emissions.shape))


def _floor(structure):
    """Scores (B,) below those of any possible sequence."""

    def least(x):
        return torch.where(x == -torch.inf, 0, x).nan_to_num(0).abs().max().item() if x.numel() else 0.0

    base = getattr(structure, "base", structure)
    steps = structure.lengths.cpu().numpy()
    emissions = torch.where(torch.isfinite(base.emissions), base.emissions, 0).abs().amax((1, 2)).cpu().numpy()
    soft = getattr(structure, "weights", None)
    soft = 0.0 if soft is None else torch.where(torch.isfinite(soft), soft, 0).abs().sum().item()
    return -(steps * (emissions + least(base.transitions)) + least(base.start) + least(base.end) + soft) - 1.0


class _Master:
    """The cutting planes of one row: the least bound that they allow, over multipliers within a box."""

    def __init__(self, low, high, box):
        self.low, self.high, self.box = low, high, box
        self.cuts, self.values = [], []

    def add(self, score, totals):
        # z ≥ score + a·(totals − low) + b·(high − totals) with λ = a − b; an absent bound has no multiplier.
        a = np.where(np.isfinite(self.low), totals - self.low, 0)
        b = np.where(np.isfinite(self.high), self.high - totals, 0)
        self.cuts.append(np.concatenate([[-1], a, b]))
        self.values.append(-score)

    def solve(self):
        """The least bound, and the multipliers that give it."""
        from scipy.optimize import linprog

        count = len(self.low)
        sides = np.concatenate([np.isfinite(self.low), np.isfinite(self.high)])
        bounds = [(None, None), *((0, self.box if side else 0) for side in sides)]
        cost = np.zeros(1 + 2 * count)
        cost[0] = 1
        found = linprog(cost, np.array(self.cuts), np.array(self.values), bounds=bounds, method="highs")
        if found.x is None:
            return None, None
        a, b = found.x[1 : 1 + count], found.x[1 + count :]
        return found.x[0], a - b

    def tight(self, multipliers):
        """Whether the box, and not a cut, holds the multipliers."""
        return bool((np.abs(multipliers) >= self.box * (1 - 1e-9)).any())


def descend(state):
    """Lower the bounds of the open rows and collect sequences within the budgets."""
    sums, rows = state.sums, np.flatnonzero(state.open)
    spread = 1 + float(torch.where(torch.isfinite(state.structure.emissions), state.structure.emissions, 0).abs().max())
    box = 10 * spread / max(np.abs(sums.coefficients).max(initial=0), 1e-12)
    masters = {row: _Master(sums.low, sums.high, box) for row in rows}
    floor = _floor(state.structure)
    trial, active = state.multipliers.copy(), set(rows.tolist())
    for _ in range(ROUNDS):
        if state.late:
            break
        labels = _augmented(state, trial).decode().cpu().numpy()
        scores, totals = state.offer(labels), sums.totals(labels)
        bounds = scores + (trial * totals).sum(1) - sums.penalty(trial)
        for row in sorted(active):
            state.backend[row] = "lagrangian"
            masters[row].add(scores[row], totals[row])
            if bounds[row] < state.bound[row]:
                state.bound[row], state.multipliers[row] = bounds[row], trial[row]
            if state.bound[row] < floor[row]:
                # Below the score of anything: nothing stays within the budgets.
                state.bound[row] = -np.inf
            state.bound[row] = max(state.bound[row], state.score[row])
            if not state.open[row]:
                active.discard(row)
                continue
            reach, multipliers = masters[row].solve()
            while reach is not None and masters[row].tight(multipliers) and masters[row].box < LARGEST_BOX:
                masters[row].box *= GROWTH
                reach, multipliers = masters[row].solve()
            if reach is None or reach >= state.bound[row] - 1e-10 * max(1, abs(state.bound[row])):
                active.discard(row)
            else:
                trial[row] = multipliers
        if not active:
            break


def rank(state):
    """Close gaps with the best sequences under the multipliers: none beyond them exceeds the last one's value."""
    rows = state.open
    if not rows.any() or state.late:
        return
    labels, values = (x.cpu().numpy() for x in _augmented(state, state.multipliers).raw_k_best(RANKED))
    offset = state.sums.penalty(state.multipliers)
    for place in range(RANKED):
        candidates = np.where(rows[:, None], labels[:, place], -100)
        # Rescoring is for those that can be taken only.
        worth = state.sums.kept(candidates) & (values[:, place] - offset >= state.score)
        if worth.any():
            state.offer(np.where(worth[:, None], candidates, -100))
    last = values[:, -1] - offset
    # Ranked values carry rounding of their own.
    state.lower(rows, last + 1e-12 * np.abs(last, where=np.isfinite(last), out=np.zeros_like(last)))
