"""Several searches of one F side by side."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from hybridseq.inference.amortised import AmortisedArgmax, evaluating
from hybridseq.inference.score_function import Scored, ScoreFunction
from hybridseq.inference.search_error import SearchReport, at, exact_reference, search_error
from hybridseq.structures.checks import check_count


@dataclass(frozen=True, eq=False)
class SearchRow:
    """One search among others.

    Attributes
    ----------
    name : str
    gap, gap_error, relative_gap : float
        Means over the examples, and the standard error of the first.
    solved : float
        Share of the examples.
    seconds : float or None
        For the whole batch.
    search_faults, model_faults : float or None
        Shares of the examples, where gold outputs were given.
    report : SearchReport
        An entry for each example.
    """

    name: str
    gap: float
    gap_error: float
    relative_gap: float
    solved: float
    seconds: float | None
    search_faults: float | None
    model_faults: float | None
    report: SearchReport


def compare_searches(
    F: ScoreFunction | Scored,
    methods: Mapping[str, Callable | AmortisedArgmax | Tensor],
    x=None,
    y: Tensor | None = None,
    *,
    exact: str | bool | Tensor | Callable | None = "auto",
    repeats: int = 1,
    seed: int = 0,
) -> list[SearchRow]:
    """The search error of several methods, for a table or :func:`plot_searches`.

    Parameters
    ----------
    F, x, y, exact, seed
        As in :func:`search_error`. Where there is no exact reference, it is for every example the best output that
        any of the methods found.
    methods : mapping of names to searches
        ``search(scored)``, generators or ready answers; options by ``functools.partial(beam, width=4)``.
    repeats : int
        How often each is run; the shortest time counts.

    Returns
    -------
    list of SearchRow
        In the order of the methods.
    """
    if not methods:
        raise ValueError("methods is empty: give at least one name and its search.")
    check_count("repeats", repeats)
    with evaluating(*[part for part in (F, *methods.values()) if isinstance(part, torch.nn.Module)]), torch.no_grad():
        scored = at(F, x)
        tried = {}
        for name, method in methods.items():
            # Their answers and times only: what they are held against is not known yet.
            runs = [search_error(scored, method, x, exact=None, seed=seed) for _ in range(repeats)]
            seconds = None if runs[0].seconds is None else min(run.seconds for run in runs)
            tried[name] = runs[0].answers, seconds
        reference = exact_reference(scored, exact)
        rivals = [found for found, _ in tried.values()] if reference is None else ()
        rows = []
        for name, (found, seconds) in tried.items():
            report = search_error(scored, found, x, y, exact=reference, rivals=rivals, seed=seed)
            rows.append(_row(name, dataclasses.replace(report, seconds=seconds)))
    return rows


def search_table(rows: list[SearchRow]) -> str:
    """The rows as text: gap, relative gap, share solved, seconds, and the faults where gold is known."""
    gold = any(row.search_faults is not None for row in rows)
    width = max([6, *(len(row.name) for row in rows)])
    lines = [f"{'search':{width}}  {'gap':>18}  {'relative':>8}  {'solved':>7}  {'seconds':>8}"]
    lines[0] += f"  {'search faults':>13}  {'model faults':>12}" if gold else ""
    for row in rows:
        seconds = "" if row.seconds is None else f"{row.seconds:.4f}"
        gap = f"{row.gap:.4f} ± {row.gap_error:.4f}"
        line = f"{row.name:{width}}  {gap:>18}  {row.relative_gap:8.2%}  {row.solved:7.1%}  {seconds:>8}"
        lines.append(line + (f"  {row.search_faults:13.1%}  {row.model_faults:12.1%}" if gold else ""))
    return "\n".join(lines)


def _row(name, report):
    shares = [
        None if faults is None else float(faults.double().mean())
        for faults in (report.search_faults, report.model_faults)
    ]
    gaps = report.mean_gap, report.gap_error, report.mean_relative_gap
    return SearchRow(name, *gaps, report.solved_share, report.seconds, *shares, report)
