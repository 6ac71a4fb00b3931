"""Search error: how much score an answer falls short of the best one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hybridseq.inference.amortised import AmortisedArgmax, answer, evaluating
from hybridseq.inference.exhaustive import exact_argmax, has_exact
from hybridseq.inference.score_function import Scored, ScoreFunction

#: Differences of two scores below this times 1 + |F| are rounding.
ROUNDING = 1e-5
_GUESSES = 32


class FalseReferenceError(RuntimeError):
    """An answer scores higher than a reference that was said to be exact: one of the two is computed wrongly."""


@dataclass(frozen=True, eq=False)
class SearchReport:
    """What a search missed, an entry for each of B examples.

    Attributes
    ----------
    answers : tensor
        The hard answers ŷ.
    scores, best_scores : (B,) tensors
        F(x, ŷ), and F(x, y*) of the reference.
    exact : bool
        Whether the reference is exact; else it is the best output known.
    gaps : (B,) tensor
        F(x, y*) − F(x, ŷ), never below 0.
    relative_gaps : (B,) tensor
        The gap over F(x, y*) − E F(x, y), y drawn with all outputs alike: 0 is the optimum, 1 no better than a guess.
        For a multilinear F the expectation is F at the centre of the relaxed outputs, else the mean over 32 draws. inf
        where guesses score as high as a reference that is not exact.
    solved : (B,) bool tensor
        The gap is rounding (at most ``tolerance · (1 + |F|)``), or the answer is the reference itself.
    seconds : float or None
        What the search took for the whole batch; None for an answer that was given.
    right, search_faults, model_faults : (B,) bool tensors or None
        With a gold y, exactly one holds of every example. Right: the answer is gold. Search fault: gold scores higher,
        so that the search missed it. Model fault: the answer is wrong and F likes it at least as well as gold, so that
        a better search would not have helped.
    """

    answers: Tensor
    scores: Tensor
    best_scores: Tensor
    exact: bool
    gaps: Tensor
    relative_gaps: Tensor
    solved: Tensor
    seconds: float | None
    right: Tensor | None = None
    search_faults: Tensor | None = None
    model_faults: Tensor | None = None

    @property
    def mean_gap(self) -> float:
        """Mean gap."""
        return float(self.gaps.mean())

    @property
    def gap_error(self) -> float:
        """Standard error of the mean gap; NaN for one example."""
        return float(self.gaps.std() / len(self.gaps) ** 0.5) if len(self.gaps) > 1 else float("nan")

    @property
    def mean_relative_gap(self) -> float:
        """Mean relative gap."""
        return float(self.relative_gaps.mean())

    @property
    def solved_share(self) -> float:
        """Share of examples solved, from 0 to 1."""
        return float(self.solved.double().mean())

    def __str__(self):
        reference = "the exact argmax" if self.exact else "the best output known"
        lines = [
            f"gap to {reference}: {self.mean_gap:.4g} ± {self.gap_error:.2g} (relative {self.mean_relative_gap:.2%})",
            f"solved: {self.solved_share:.1%} of {len(self.gaps)}",
        ]
        if self.right is not None:
            shares = [float(part.double().mean()) for part in (self.right, self.search_faults, self.model_faults)]
            lines.append("right {:.1%}, search faults {:.1%}, model faults {:.1%}".format(*shares))
        if self.seconds is not None:
            lines.append(f"seconds: {self.seconds:.3g}")
        return "\n".join(lines)


@torch.no_grad()
def search_error(
    F: ScoreFunction | Scored,
    proposal: Tensor | AmortisedArgmax | Callable,
    x=None,
    y: Tensor | None = None,
    *,
    exact: str | bool | Tensor | Callable | None = "auto",
    rivals: Sequence = (),
    tolerance: float = ROUNDING,
    seed: int = 0,
) -> SearchReport:
    """How far the answers of a search are from the argmax of F.

    Parameters
    ----------
    F : ScoreFunction or Scored
        F, or F(x, ·) itself.
    proposal : tensor, generator or callable
        Hard or relaxed answers; an :class:`AmortisedArgmax`, which is asked for ``x``; or ``search(scored)``, which
        gives answers, such as :func:`icm`. What it takes is measured.
    x : batch of inputs, optional
        Needed where F is a ScoreFunction or the proposal a generator.
    y : tensor, optional
        Hard gold outputs, which tell search faults from model faults.
    exact : {"auto", True, False, None}, tensor or callable
        Where the reference y* comes from: ``"auto"``: the structure's argmax or, where an example has at most 2¹⁴
        outputs, trying all of them, else as None. True: the same, and an error where that is not possible. None or
        False: the best among the answer and the rivals. A tensor of hard outputs, or ``search(scored)`` that gives
        them, and which is held to be exact.
    rivals : sequence of tensors, generators or callables
        Other answers: the reference where there is no exact one; where there is, none may score higher.
    tolerance : float
        A gap up to this times ``1 + |F|`` counts as solved.
    seed : int
        Of a generator's noise, and of the guesses in the relative gap.

    Raises
    ------
    FalseReferenceError
        Where an answer scores higher than the exact reference, by more than ``1e-5 · (1 + |F|)``: negative gaps are
        rescored in float64 with ``F.double()`` where F has it. A smaller one is rounding, and set to 0.
    TypeError, ValueError
        Where x is missing, exact=True and there is none, outputs are not of the space, or F scores them NaN.

    Notes
    -----
    Modules are in evaluation mode meanwhile. One F score each for the answer, the reference and gold, and up to 32 for
    the relative gap.

    Examples
    --------
    >>> import hybridseq as hs
    >>> chain = hs.LinearChain(torch.tensor([[[1.0, 0.0], [0.0, 0.5]]]), torch.tensor([[2.0, 0.0], [0.0, 2.0]]))
    >>> report = search_error(hs.inference.ChainScored(chain), chain.emissions.argmax(2))
    >>> report.gaps, report.solved
    (tensor([1.5000]), tensor([False]))
    """
    modules = [part for part in (F, proposal, *rivals) if isinstance(part, torch.nn.Module)]
    with evaluating(*modules):
        scored = at(F, x)
        if not scored.space.batch:
            raise ValueError("there is no example to search: give at least one input.")
        begun = _clock(scored)
        answers = propose(proposal, scored, x, seed, "proposal")
        seconds = None if isinstance(proposal, Tensor) else _clock(scored) - begun
        others = [propose(rival, scored, x, seed, f"rivals[{i}]") for i, rival in enumerate(rivals)]
        reference = exact_reference(scored, exact)
        scores = known_score(scored, answers)
        known = reference is not None
        if known:
            best, best_scores = reference, known_score(scored, reference)
            for other in others:
                _gaps(scored, best, best_scores, other, known_score(scored, other))
            gaps = _gaps(scored, best, best_scores, answers, scores)
        else:
            best, best_scores = answers, scores
            for other in others:
                found = known_score(scored, other)
                higher = found > best_scores
                best = torch.where(higher.view(-1, *[1] * (best.dim() - 1)), other, best)
                best_scores = torch.maximum(best_scores, found)
            gaps = best_scores - scores
        same = _same(scored, answers, best)
        gaps = torch.where(same, 0, gaps)
        spread = best_scores - guess_score(scored, seed)
        relative = torch.where(spread > 0, gaps / spread, torch.inf).masked_fill(gaps == 0, 0)
        solved = same | (gaps <= tolerance * (1 + best_scores.abs()))
        faults = (None, None, None) if y is None else _faults(scored, answers, scores, y)
    return SearchReport(answers, scores, best_scores, known, gaps, relative, solved, seconds, *faults)


def at(F, x) -> Scored:
    """F(x, ·) of a score function, or as it is."""
    if isinstance(F, Scored):
        return F
    if not isinstance(F, ScoreFunction):
        raise TypeError(f"F must be a ScoreFunction, or F(x, ·) as a Scored; got {type(F).__name__}.")
    if x is None:
        raise ValueError("x is missing: give the inputs beside a ScoreFunction, or F.at(x) in its place.")
    return F.at(x)


def propose(proposal, scored, x, seed, name):
    """The hard outputs of a tensor, generator or callable."""
    if isinstance(proposal, Tensor):
        found = proposal
    elif isinstance(proposal, AmortisedArgmax):
        if x is None:
            raise ValueError(f"x is missing: {name} is a generator, which answers inputs.")
        found = answer(proposal, x, seed=seed)
    elif callable(proposal):
        found = proposal(scored)
    else:
        raise TypeError(
            f"{name} must be a tensor of outputs, a generator (space, logits, noise_size, see AmortisedArgmax) or a "
            f"callable search(scored) -> outputs; got {type(proposal).__name__}."
        )
    return hard(scored.space, found)


def hard(space, y):
    """Hard outputs, checked to be of the space."""
    space.check(y)
    return space.harden(y)


def known_score(scored, y):
    """F (B,), which is a number."""
    scores = scored.score(y)
    if scores.isnan().any():
        row = int(scores.isnan().nonzero()[0])
        raise ValueError(
            f"F scores an output of example {row} NaN, which is above or below nothing; look for inputs or weights "
            "that are not finite."
        )
    return scores


def guess_score(scored: Scored, seed: int = 0) -> Tensor:
    """The expected score (B,) of outputs drawn with all alike."""
    space = scored.space
    if scored.multilinear:
        return scored.raw_score(space.squash(torch.zeros(space.shape, dtype=scored.dtype, device=space.device)))
    generator = torch.Generator(space.device or "cpu").manual_seed(seed)
    return scored.raw_hard_scores(space.draw(_GUESSES, generator)).mean(0)


def exact_reference(scored: Scored, exact) -> Tensor | None:
    """The hard outputs that ``exact`` of :func:`search_error` names; None where there is no exact reference."""
    if isinstance(exact, Tensor):
        return hard(scored.space, exact)
    if callable(exact):
        return hard(scored.space, exact(scored))
    if not (exact is None or isinstance(exact, bool) or (isinstance(exact, str) and exact == "auto")):
        raise ValueError(f"exact must be 'auto', True, False, None, a tensor or a callable; got {exact!r}.")
    if exact is True or (exact == "auto" and has_exact(scored)):
        return hard(scored.space, exact_argmax(scored))
    return None


def _gaps(scored, best, best_scores, answers, scores):
    """Gaps to an exact reference, at least 0."""
    gaps = best_scores - scores
    if not (gaps < 0).any():
        return gaps
    rows = (gaps < 0).nonzero()[:, 0]
    fine = scored.rows(rows)
    how = "in float64"
    try:
        fine = fine.double()
    except TypeError:
        how = f"in {scored.dtype}, as it defines no double()"
    best_scores, scores = fine.score(best[rows]), fine.score(answers[rows])
    bad = best_scores - scores < -ROUNDING * (1 + best_scores.abs())
    if bad.any():
        first = int(bad.nonzero()[0])
        raise FalseReferenceError(
            f"example {int(rows[first])}: the answer scores {float(scores[first]):.6f} and the exact reference "
            f"{float(best_scores[first]):.6f} ({how}): no answer can score higher than an argmax. Either the reference "
            "is not the argmax of this F, or F scores the same output differently in two ways."
        )
    return gaps.clamp(min=0)


def _same(scored, one, other):
    """Whether outputs are the same, (B,)."""
    equal = one == other
    if scored.space.choices is not None:
        equal = equal | ~scored.space.inside
    return equal.flatten(1).all(1)


def _faults(scored, answers, scores, y):
    gold = hard(scored.space, y)
    right = _same(scored, answers, gold)
    missed = ~right & (known_score(scored, gold) > scores)
    return right, missed, ~right & ~missed


def _clock(scored):
    if torch.device(scored.space.device or "cpu").type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
